# each says what is missing, and how the status tells it
golden=$SRC/tests/golden/models
mkdir none && tf-classify -m none < /dev/null; echo $?
cp -R $golden/bert copy && chmod -R u+w copy
rm copy/tokenizer*.json && tf-classify -m copy < /dev/null 2> err; echo $?; grep -c tokenizer err
rm copy/model.safetensors && tf-classify -m copy < /dev/null; echo $?
cp -R $golden/bert-sharded shards && chmod -R u+w shards
rm shards/model-00002-of-00003.safetensors
tf-classify -m shards < /dev/null; echo $?
cp -R $golden/bert cut && chmod -R u+w cut
head -c 1000 $golden/bert/model.safetensors > cut/model.safetensors
tf-classify -m cut < /dev/null; echo $?
