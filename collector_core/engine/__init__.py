"""Running collectors: one instance, all instances, and the clock that watches over them."""
