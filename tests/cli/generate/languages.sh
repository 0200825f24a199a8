# language codes beside the source and as the first token
D=$SRC/tests/golden/decoders
echo 'The film was good.' > in
tf-generate -m $D/mbart --max-new-tokens 5 --only --columns output_ids < in
tf-generate -m $D/mbart --max-new-tokens 5 --src-lang de_DE --tgt-lang en_XX \
	--only --columns output_ids < in
tf-generate -m $D/m2m100 --max-new-tokens 5 --tgt-lang eng_Latn \
	--only --columns output_ids < in
