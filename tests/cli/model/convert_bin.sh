# torch's .bin to what safetensors and Transformers write, bit for bit
G=$SRC/tests/golden
T=$G/torchbin
for f in zip legacy protocol4; do
	tf-model convert -m $T/$f.bin -o $f | jq -c '[.tensors, .files]'
	cmp $f/model.safetensors $T/state.safetensors
done
tf-model convert -m $T/new-dtypes.bin -o new | jq -c '[.tensors, .files]'
cmp new/model.safetensors $T/new-dtypes.safetensors
# tied tables once, buffers not at all
tf-model convert -m $T/tied -o tied
cmp tied/model.safetensors $G/decoders/t5/model.safetensors
cmp tied/config.json $T/tied/config.json
tf-model convert -m $T/classifier -o c
tf-model diff c $G/models/bert-sharded
ls c
for m in $G/models/bert-sharded $T/classifier c; do
	echo a good film | tf-classify -m $m --top-k 0 --only
done | uniq | wc -l
