"""Models of libraries by name: whether they are there, and loaded; no library is imported before."""
