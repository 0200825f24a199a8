# a GGUF of experts, of sinks and of Nemotron says what the folder says that it
# was made from; YaRN's ends are whole dims there
G=$SRC/tests/golden
printf 'The film was good, and\nI love this movie.\n' > in
cp -r $G/decoders/minimax-m2 $G/decoders/nemotron $G/decoders/gpt-oss .
chmod -R u+w .
jq '.rope_scaling.truncate = true' $G/decoders/gpt-oss/config.json \
	> gpt-oss/config.json
say() { tf-eval --task lm -m "$1" < in | jq '.nll * 10000 | round'; }
for m in minimax-m2 nemotron gpt-oss; do
	say $m > want
	say $G/gguf/$m.gguf > found
	cmp want found && echo same
done
