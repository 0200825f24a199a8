# without -m the model beside the tool answers, from any folder and with no
# network; installed it is found as well
printf 'A wonderful film.\nI want my money back.\n' > in
tf-classify --columns label < in
mkdir -p usr/bin usr/share/tf/models
cp "$(command -v tf-classify)" usr/bin
usr/bin/tf-classify < in; echo $?
cp -R "$SRC/models/sentiment" usr/share/tf/models
usr/bin/tf-classify --columns label < in
TF_MODEL=$SRC/tests/golden/models/bert tf-classify --columns label < in
