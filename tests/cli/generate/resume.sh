# a job that was cut off goes on behind its last whole line
m=$SRC/tests/golden/decoders/qwen3
for i in 1 2 3 4 5; do echo "The film $i"; done > in
tf-generate -m $m --do-sample --seed 1 --max-new-tokens 4 < in > whole
head -n 2 whole > out
sed -n 3p whole | head -c 20 >> out
tf-generate -m $m --do-sample --seed 1 --max-new-tokens 4 --resume out < in
cmp whole out && echo same
