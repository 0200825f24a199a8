tf-tokenize -m $SRC/tests/golden/models/bert --count <<'END'
{"text": "hello"}
{"text": "hello", "text_pair": "hello"}
{"text": "hello", "text_pair": null}
{"text": "hello", "text_pair": ""}
{"text": "hello", "text_pair": 3}
{"question": "hello", "text": ""}
END
echo hello | tf-tokenize -m $SRC/tests/golden/models/bert --count --no-special-tokens --only
echo hello | tf-tokenize -m $SRC/tests/golden/models/bert --count --max-length 4 --only
