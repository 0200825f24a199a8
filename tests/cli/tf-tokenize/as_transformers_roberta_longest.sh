tf-tokenize -m $SRC/tests/golden/models/roberta --padding longest --tokens --offsets --special-mask --words --only -q <<'END'
{"text": "Hello world, hello!"}
{"text": ""}
{"text": "  é日本 x"}
{"text": "a b c d e f g h i j k l m"}
{"text": "[MASK] one </s> two"}
END
