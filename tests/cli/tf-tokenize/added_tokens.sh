echo 'one <new>two<sep2> [brand]' | tf-tokenize -m $SRC/tests/golden/models/bert --add-token '<new>' --add-token '[brand]' \
    --add-special-token '<sep2>' --tokens --special-mask --columns tokens,input_ids
