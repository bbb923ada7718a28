# A root that takes many turns is of values that came after it was asked for.
# source: src/app/kv_tree.c
# by: test property/kv_model_test test_few_keys
s/hash_bytes(kv_store_settled_value(store, leaf))/hash_bytes(kv_entry_value(kv_store_entry(store, leaf)))/
