tf-tokenize -m $SRC/tests/golden/models/bert --info
tf-tokenize -m $SRC/tests/golden/models/roberta --info
