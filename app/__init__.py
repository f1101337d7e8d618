"""Mendao (看门道): LSTM interview questions whose every answer can be put to the test."""
