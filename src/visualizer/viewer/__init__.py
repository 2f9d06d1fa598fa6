"""The page that shows a run: in a notebook, as one offline file, from a local server."""
