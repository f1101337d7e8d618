"""How people see it: pages, fragments, the JSON API, and what guards them."""
