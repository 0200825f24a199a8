# the same seed draws the same texts, whatever the batch; another draws others
m=$SRC/tests/golden/decoders/llama
for i in 1 2 3 4 5 6; do echo "The film $i"; done > in
run() { tf-generate -m "$m" --do-sample --max-new-tokens 12 "$@" < in; }
run --seed 3 > a
run --seed 3 -b 1 -t 1 > b
run --seed 4 > c
cmp a b && ! cmp -s a c && echo same
run --seed 3 --num-return-sequences 3 | jq -c '.generations | length'
run --stats 2>&1 > /dev/null | grep -c '"seed": [0-9]'
