# two texts, under other names, and null for none
m=$SRC/tests/golden/models/bert
cat > in <<'END'
{"text": "I love this movie.", "text_pair": "Is it good?"}
{"text": "I love this movie.", "text_pair": null}
{"a": "I love this movie.", "b": "Is it good?", "label": "kept"}
END
head -n 2 in | tf-classify -m $m --logits | "$SRC/tests/cli/round"
tail -n 1 in | tf-classify -m $m --field a --pair-field b --prefix pred_ |
	"$SRC/tests/cli/round"
