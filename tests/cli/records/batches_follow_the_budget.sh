for n in 1 49 49 99 200 1 1 1 1; do printf "%0${n}d\n" 0; done > in
tf-measure --batches --format tsv --columns bytes,batch in
tf-measure --batches --format tsv --columns bytes,batch -b 2 in
