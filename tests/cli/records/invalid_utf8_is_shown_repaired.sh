printf 'ok\na\377b\303\n\300\200\n' | tf-measure -q
printf '{"text":"\377"}\n{"text":"ok"}\n' | tf-measure -q
