tf-measure --nonsense --help
