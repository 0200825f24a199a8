# numbers that are none, shapes that don't fit, files that are not their hash
G=$SRC/tests/golden
tf-model verify -m $G/decoders/llama
tf-model verify -m $G/gguf/llama.gguf
cp -R $G/models/bert m
# two floats of the last tensor become NaN
size=$(wc -c < m/model.safetensors)
printf '\377\377\377\377\377\377\377\377' |
	dd of=m/model.safetensors bs=1 seek=$((size - 8)) conv=notrunc 2> /dev/null
tf-model verify -m m; echo $?
jq -c '.intermediate_size = 45' $G/models/bert/config.json > m/config.json
tf-model verify -m m | jq -c .problem; echo $?
# a snapshot of the hub's cache: links to blobs that are named by their hashes
mkdir -p cache/blobs cache/snapshots/1
for f in config.json model.safetensors; do
	sum=$(sha256sum $G/models/bert/$f | cut -c -64)
	cp $G/models/bert/$f cache/blobs/$sum
	ln -s ../../blobs/$sum cache/snapshots/1/$f
done
tf-model verify -m cache/snapshots/1
echo >> cache/blobs/$(sha256sum $G/models/bert/config.json | cut -c -64)
tf-model verify -m cache/snapshots/1 | jq -c '[.file, .problem, .found[:8]]'
