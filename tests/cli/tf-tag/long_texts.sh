# a long text is cut, or read in windows
m=$SRC/tests/golden/pipelines/tag-bert
awk 'BEGIN { for (i = 0; i < 60; i++) printf "Anna %d ", i; print "" }' > in
count() { tr '{' '\n' | grep -c entity_group; }
tf-tag -m $m --only --aggregation simple in | count
tf-tag -m $m --only --aggregation simple --stride 8 in | count
tf-tag -m $m --only --aggregation simple --stride 8 --max-length 30 in | count
tf-tag -m $m --only --aggregation simple --no-truncation in
tf-tag -m $m --stride 8 in
tf-tag -m $m --stride 64 --aggregation first in
tf-tag -m $m --aggregation best in
