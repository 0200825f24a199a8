# The report, what the folder holds, and that every form of it answers.
cd "$SRC/tests/golden/models" || exit 2
out=$(mktemp -d) || exit 2
trap 'rm -rf "$out"' EXIT
ask() { echo 'a good film' | tf-classify --only "$@" | jq -r .label; }

tf-quantize -m bert -o "$out/a" --type int8 |
	jq -c '[.tensors, .quantized, .files, .bytes_before, .bytes_after,
		(.layers | length), (.relative_error < 0.02), .layers[0].from,
		.layers[0].to, .layers[0].bytes_before, .layers[0].bytes_after]'
ls "$out/a"
jq -c .quantization_config "$out/a/config.json"
tf-quantize -m bert -o "$out/b" --type int8 --embeddings --report table |
	sed 's/.*: \(.*error\).*/\1/' | tail -n 1
tf-quantize -m bert-sharded -o "$out/c" --type int8 --max-shard-size 20kB |
	jq .files
ls "$out/c" | head -n 4
ask -m bert
ask -m bert --dtype int8
for m in a b c; do ask -m "$out/$m"; done
printf '%s\n' '{"text":"a good film","label":"neutral"}' \
	'{"text":"a bad film","label":"negative"}' > "$out/gold"
tf-quantize -m bert -o "$out/d" --type int8 --eval "$out/gold" |
	jq -c '[.eval[] | .n]'
cd ../decoders && printf '%s\n' 'No one could have known' > "$out/texts"
tf-quantize -m llama -o "$out/g" --type int8 --eval "$out/texts" |
	jq -c '[.eval[] | .perplexity > 0, .n_tokens]'
cd ../models

# what is wrong
tf-quantize -m bert -o "$out/a" --type int8 2>&1 | sed "s|$out|OUT|"
tf-quantize -m "$out/a" -o "$out/e" --type int8 2>&1 | sed "s|$out|OUT|"
tf-quantize -m bert -o "$out/e" --type int4
tf-quantize -m bert -o "$out/e"
tf-quantize -m bert -o "$out/f" --type int8 --keep '*'
