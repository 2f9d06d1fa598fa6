"""The main job on real input: attention maps of two trained models, drawn into a folder, with no internet."""
