seq 20000 > in
for t in 1 3 8; do
    tf-measure -t $t --format tsv --columns text in | cmp - in
    tf-measure -t $t --format tsv --columns text --alone in | cmp - in
    cat in | tf-measure -t $t --format tsv --columns text | cmp - in
done
