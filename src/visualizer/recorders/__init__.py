"""What fills a run: recorders of attention calls in torch. The only place that patches anything of torch."""
