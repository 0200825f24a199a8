echo '{"bytes":7,"text":"a","p_bytes":8}' > in
tf-measure --prefix p_ in
tf-measure --only in
tf-measure --only --prefix 'p"_' in
printf 'fail\n' | tf-measure --only -q
