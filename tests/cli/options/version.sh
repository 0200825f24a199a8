tf-measure -V | sed 's/[0-9.]*$/X/'
