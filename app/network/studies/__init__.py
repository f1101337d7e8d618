"""The numbers behind the demos: each module measures or trains one thing and knows no words, no panels."""
