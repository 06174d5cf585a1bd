"""The forecaster with numpy: more models, all origins at once; imported only where a series is forecast."""
