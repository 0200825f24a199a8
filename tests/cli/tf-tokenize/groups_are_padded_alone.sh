seq 8 11 | sed 's/1./one two/' | tf-tokenize -m $SRC/tests/golden/models/bert --padding longest -b 2 --columns input_ids
printf 'a\n\377\nb c\n' | tf-tokenize -m $SRC/tests/golden/models/bert --padding longest --columns input_ids -q
