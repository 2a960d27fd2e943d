;; A token: balances of any number of holders, in a HAMT of bit width 8.
;;
;; The state is [supply, link to the HAMT]: its keys are IDs of actors as 8 bytes, its values balances as 8 bytes, big-endian.
;; A node of a HAMT is [bitmap, [pointer...]]; a pointer is a link to another node, or a list of up to three [key, value] in the order
;; of their keys. At depth d, a key has the pointer of byte d of its SHA-256. As all keys and values have 8 bytes here, a link always
;; takes 43 bytes and an entry 19, and nodes are changed as they are.

(module
  (import "vm" "exit" (func $exit (param $code i32) (param $block i32) (param $text i32) (param $size i32) (result i32)))
  (import "vm" "message_context" (func $message_context (param $out i32) (result i32)))
  (import "ipld" "block_open" (func $block_open (param $out i32) (param $cid i32) (result i32)))
  (import "ipld" "block_create" (func $block_create (param $out i32) (param $codec i64) (param $from i32) (param $size i32) (result i32)))
  (import "ipld" "block_read"
    (func $block_read (param $out i32) (param $block i32) (param $offset i32) (param $to i32) (param $size i32) (result i32)))
  (import "ipld" "block_stat" (func $block_stat (param $out i32) (param $block i32) (result i32)))
  (import "ipld" "block_link"
    (func $block_link (param $out i32) (param $block i32) (param $hash i64) (param $digest i32) (param $to i32) (param $room i32)
      (result i32)))
  (import "self" "root" (func $root (param $out i32) (param $to i32) (param $room i32) (result i32)))
  (import "self" "set_root" (func $set_root (param $cid i32) (result i32)))
  (import "event" "emit_event"
    (func $emit_event (param $entries i32) (param $count i32) (param $keys i32) (param $keys_size i32) (param $values i32) (param $size i32)
      (result i32)))

  (import "crypto" "hash"
    (func $hash (param $out i32) (param $code i64) (param $from i32) (param $size i32) (param $to i32) (param $room i32) (result i32)))

  ;; Memory: results of calls from 0, the facts of the invocation at 128, a CID at 256, an event at 384, two entries of the map at 560
  ;; and 640 (key, value, digest of the key), the link of the map at 768, what is written at 1024, what is read on the second page,
  ;; nodes from the third page on.
  (memory (export "memory") 3)
  (data (i32.const 512) "fromtoamount")

  (global $at (mut i32) (i32.const 0))    ;; where reading goes on
  (global $end (mut i32) (i32.const 0))   ;; where it ends
  (global $to (mut i32) (i32.const 1024)) ;; where writing goes on
  (global $fault (mut i32) (i32.const 21)) ;; how it ends when what is read is wrong: 24 for state

  ;; ---- how an invocation ends

  (func $abort (param $code i32)
    (drop (call $exit (local.get $code) (i32.const 0) (i32.const 0) (i32.const 0)))
    (unreachable))

  ;; End with 25 for a change in a read-only call, with 24 for any other call of the kernel that failed.
  (func $check (param $error i32)
    (if (local.get $error)
      (then (call $abort (select (i32.const 25) (i32.const 24) (i32.eq (local.get $error) (i32.const 13)))))))

  ;; ---- reading canonical dag-cbor; whatever is not as it must be ends with 21, in the state with 24

  (func $bad (param $wrong i32)
    (if (local.get $wrong) (then (call $abort (global.get $fault)))))

  ;; Read a whole block to the second page, and make that what is read; give its codec.
  (func $read_block (param $block i32) (result i64)
    (local $size i32)
    (call $check (call $block_stat (i32.const 0) (local.get $block)))
    (local.set $size (i32.load (i32.const 8)))
    (drop (memory.grow (i32.shr_u (local.get $size) (i32.const 16))))
    (call $check (call $block_read (i32.const 16) (local.get $block) (i32.const 0) (i32.const 65536) (local.get $size)))
    (global.set $at (i32.const 65536))
    (global.set $end (i32.add (i32.const 65536) (local.get $size)))
    (i64.load (i32.const 0)))

  (func $head (param $major i32) (result i64)
    (local $byte i32) (local $left i32) (local $value i64) (local $least i64)
    (call $bad (i32.ge_u (global.get $at) (global.get $end)))
    (local.set $byte (i32.load8_u (global.get $at)))
    (global.set $at (i32.add (global.get $at) (i32.const 1)))
    (call $bad (i32.ne (i32.shr_u (local.get $byte) (i32.const 5)) (local.get $major)))
    (local.set $byte (i32.and (local.get $byte) (i32.const 31)))
    (if (i32.lt_u (local.get $byte) (i32.const 24)) (then (return (i64.extend_i32_u (local.get $byte)))))
    (call $bad (i32.gt_u (local.get $byte) (i32.const 27)))
    (local.set $left (i32.shl (i32.const 1) (i32.sub (local.get $byte) (i32.const 24))))
    (call $bad (i32.gt_u (i32.add (global.get $at) (local.get $left)) (global.get $end)))
    ;; the least number that needs so many bytes
    (local.set $least
      (select (i64.const 24) (i64.shl (i64.const 1) (i64.extend_i32_u (i32.mul (local.get $left) (i32.const 4))))
        (i32.eq (local.get $left) (i32.const 1))))
    (loop $bytes
      (local.set $value (i64.or (i64.shl (local.get $value) (i64.const 8)) (i64.load8_u (global.get $at))))
      (global.set $at (i32.add (global.get $at) (i32.const 1)))
      (br_if $bytes (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (call $bad (i64.lt_u (local.get $value) (local.get $least)))
    (local.get $value))

  (func $uint (result i64)
    (local $value i64)
    (local.set $value (call $head (i32.const 0)))
    (call $bad (i64.lt_s (local.get $value) (i64.const 0)))
    (local.get $value))

  (func $list (param $size i64)
    (call $bad (i64.ne (call $head (i32.const 4)) (local.get $size))))

  (func $finish
    (call $bad (i32.ne (global.get $at) (global.get $end))))

  ;; Begin to read parameters, a list of so many.
  (func $params (param $block i32) (param $size i64)
    (local $codec i64)
    (call $bad (i32.eqz (local.get $block)))
    (local.set $codec (call $read_block (local.get $block)))
    (call $bad (i32.and (i64.ne (local.get $codec) (i64.const 0x71)) (i64.ne (local.get $codec) (i64.const 0x51))))
    (call $list (local.get $size)))

  ;; ---- writing

  (func $put_byte (param $byte i32)
    (i32.store8 (global.get $to) (local.get $byte))
    (global.set $to (i32.add (global.get $to) (i32.const 1))))

  (func $put_head (param $major i32) (param $value i64)
    (local $bytes i32)
    (local.set $major (i32.shl (local.get $major) (i32.const 5)))
    (if (i64.lt_u (local.get $value) (i64.const 24))
      (then (call $put_byte (i32.or (local.get $major) (i32.wrap_i64 (local.get $value)))) (return)))
    (local.set $bytes
      (i32.add
        (i32.add (i64.gt_u (local.get $value) (i64.const 0xFF)) (i64.gt_u (local.get $value) (i64.const 0xFFFF)))
        (i64.gt_u (local.get $value) (i64.const 0xFFFFFFFF))))
    (call $put_byte (i32.or (local.get $major) (i32.add (i32.const 24) (local.get $bytes))))
    (local.set $bytes (i32.shl (i32.const 1) (local.get $bytes)))
    (loop $more
      (local.set $bytes (i32.sub (local.get $bytes) (i32.const 1)))
      (call $put_byte (i32.wrap_i64 (i64.shr_u (local.get $value) (i64.extend_i32_u (i32.mul (local.get $bytes) (i32.const 8))))))
      (br_if $more (local.get $bytes))))

  ;; Make a block of what was written and give its handle.
  (func $block (result i32)
    (call $check (call $block_create (i32.const 0) (i64.const 0x71) (i32.const 1024) (i32.sub (global.get $to) (i32.const 1024))))
    (i32.load (i32.const 0)))

  ;; ---- entries: a key and a value of 8 bytes each, and 32 bytes of digest

  (func $big (param $at i32) (result i64)
    (local $value i64) (local $end i32)
    (local.set $end (i32.add (local.get $at) (i32.const 8)))
    (loop $next
      (local.set $value (i64.or (i64.shl (local.get $value) (i64.const 8)) (i64.load8_u (local.get $at))))
      (br_if $next (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $end))))
    (local.get $value))

  (func $put_big (param $at i32) (param $value i64)
    (local $place i32)
    (local.set $place (i32.add (local.get $at) (i32.const 8)))
    (loop $next
      (local.set $place (i32.sub (local.get $place) (i32.const 1)))
      (i64.store8 (local.get $place) (local.get $value))
      (local.set $value (i64.shr_u (local.get $value) (i64.const 8)))
      (br_if $next (i32.ne (local.get $place) (local.get $at)))))

  (func $digest (param $entry i32)
    (call $check
      (call $hash (i32.const 0) (i64.const 0x12) (local.get $entry) (i32.const 8) (i32.add (local.get $entry) (i32.const 16))
        (i32.const 32))))

  (func $entry (param $at i32) (param $key i64)
    (call $put_big (local.get $at) (local.get $key))
    (call $digest (local.get $at)))

  ;; ---- nodes: the bitmap in 32 bytes, bytes of pointers, number of pointers, pointers; in 16 KiB, with room for an entry at the end

  (global $free (mut i32) (i32.const 131072))

  (func $new_node (result i32)
    (local $node i32)
    (local.set $node (global.get $free))
    (global.set $free (i32.add (local.get $node) (i32.const 16384)))
    (if (i32.gt_u (global.get $free) (i32.shl (memory.size) (i32.const 16)))
      (then (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (call $abort (i32.const 24))))))
    (memory.fill (local.get $node) (i32.const 0) (i32.const 40))
    (local.get $node))

  (func $free_node
    (global.set $free (i32.sub (global.get $free) (i32.const 16384))))

  (func $load_node (param $node i32) (param $cid i32)
    (local $size i32)
    (call $check (call $block_open (i32.const 0) (local.get $cid)))
    (drop (call $read_block (i32.load (i32.const 8))))
    (global.set $fault (i32.const 24))
    (call $list (i64.const 2))
    (local.set $size (i32.wrap_i64 (call $head (i32.const 2))))
    (memory.fill (local.get $node) (i32.const 0) (i32.const 32))
    (memory.copy (i32.sub (i32.add (local.get $node) (i32.const 32)) (local.get $size)) (global.get $at) (local.get $size))
    (global.set $at (i32.add (global.get $at) (local.get $size)))
    (i64.store32 offset=36 (local.get $node) (call $head (i32.const 4)))
    (local.set $size (i32.sub (global.get $end) (global.get $at)))
    (i32.store offset=32 (local.get $node) (local.get $size))
    (memory.copy (i32.add (local.get $node) (i32.const 40)) (global.get $at) (local.get $size)))

  (func $put_bytes (param $from i32) (param $size i32)
    (memory.copy (global.get $to) (local.get $from) (local.get $size))
    (global.set $to (i32.add (global.get $to) (local.get $size))))

  ;; Link a node, and put its CID of 38 bytes where it is wanted.
  (func $store_node (param $node i32) (param $cid i32)
    (local $from i32) (local $end i32)
    (local.set $from (local.get $node))
    (local.set $end (i32.add (local.get $node) (i32.const 32)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $from) (local.get $end)))
        (br_if $done (i32.load8_u (local.get $from)))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (br $next)))
    (global.set $to (i32.const 1024))
    (call $put_head (i32.const 4) (i64.const 2))
    (call $put_head (i32.const 2) (i64.extend_i32_u (i32.sub (local.get $end) (local.get $from))))
    (call $put_bytes (local.get $from) (i32.sub (local.get $end) (local.get $from)))
    (call $put_head (i32.const 4) (i64.load32_u offset=36 (local.get $node)))
    (call $put_bytes (i32.add (local.get $node) (i32.const 40)) (i32.load offset=32 (local.get $node)))
    (call $check (call $block_link (i32.const 4) (call $block) (i64.const 0xb220) (i32.const 32) (local.get $cid) (i32.const 38))))

  (func $bitmap_byte (param $node i32) (param $index i32) (result i32)
    (i32.sub (i32.add (local.get $node) (i32.const 31)) (i32.shr_u (local.get $index) (i32.const 3))))

  (func $has (param $node i32) (param $index i32) (result i32)
    (i32.and (i32.const 1)
      (i32.shr_u (i32.load8_u (call $bitmap_byte (local.get $node) (local.get $index))) (i32.and (local.get $index) (i32.const 7)))))

  ;; Where the pointer of an index is, or would be: behind those of lower indices.
  (func $place (param $node i32) (param $index i32) (result i32)
    (local $byte i32) (local $at i32) (local $before i32)
    (local.set $byte (call $bitmap_byte (local.get $node) (local.get $index)))
    (local.set $before
      (i32.popcnt
        (i32.and (i32.load8_u (local.get $byte))
          (i32.sub (i32.shl (i32.const 1) (i32.and (local.get $index) (i32.const 7))) (i32.const 1)))))
    (block $counted
      (loop $next
        (local.set $byte (i32.add (local.get $byte) (i32.const 1)))
        (br_if $counted (i32.gt_u (local.get $byte) (i32.add (local.get $node) (i32.const 31))))
        (local.set $before (i32.add (local.get $before) (i32.popcnt (i32.load8_u (local.get $byte)))))
        (br $next)))
    (local.set $at (i32.add (local.get $node) (i32.const 40)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $before)))
        (local.set $at (i32.add (local.get $at) (call $pointer_size (local.get $at))))
        (local.set $before (i32.sub (local.get $before) (i32.const 1)))
        (br $next)))
    (local.get $at))

  (func $is_link (param $at i32) (result i32) (i32.eq (i32.load8_u (local.get $at)) (i32.const 0xd8)))
  (func $entries (param $at i32) (result i32) (i32.and (i32.load8_u (local.get $at)) (i32.const 31)))

  (func $pointer_size (param $at i32) (result i32)
    (if (result i32) (call $is_link (local.get $at))
      (then (i32.const 43))
      (else (i32.add (i32.const 1) (i32.mul (i32.const 19) (call $entries (local.get $at)))))))

  ;; Make place for new bytes of pointers in place of old ones.
  (func $splice (param $node i32) (param $at i32) (param $old i32) (param $new i32)
    (local $size i32)
    (local.set $size (i32.load offset=32 (local.get $node)))
    (memory.copy (i32.add (local.get $at) (local.get $new)) (i32.add (local.get $at) (local.get $old))
      (i32.sub (i32.add (i32.add (local.get $node) (i32.const 40)) (local.get $size)) (i32.add (local.get $at) (local.get $old))))
    (i32.store offset=32 (local.get $node) (i32.add (local.get $size) (i32.sub (local.get $new) (local.get $old)))))

  (func $write_entry (param $at i32) (param $entry i32)
    (i32.store16 (local.get $at) (i32.const 0x4882))
    (i64.store offset=2 (local.get $at) (i64.load (local.get $entry)))
    (i32.store8 offset=10 (local.get $at) (i32.const 0x48))
    (i64.store offset=11 (local.get $at) (i64.load offset=8 (local.get $entry))))

  (func $write_link (param $at i32)
    (i32.store (local.get $at) (i32.const 0x27582ad8))
    (i32.store8 offset=4 (local.get $at) (i32.const 0)))

  ;; Give the place in a list of entries of the first key that is not lower.
  (func $seek (param $at i32) (param $entry i32) (result i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $at) (call $pointer_size (local.get $at))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $at) (local.get $end)))
        (br_if $done (i64.ge_u (call $big (i32.add (local.get $at) (i32.const 2))) (call $big (local.get $entry))))
        (local.set $at (i32.add (local.get $at) (i32.const 19)))
        (br $next)))
    (local.get $at))

  ;; Set an entry in a node and below it.
  (func $put (param $node i32) (param $depth i32) (param $entry i32)
    (local $index i32) (local $at i32) (local $place i32) (local $child i32) (local $old i32)
    (if (i32.ge_u (local.get $depth) (i32.const 32)) (then (call $abort (i32.const 20))))
    (local.set $index (i32.load8_u offset=16 (i32.add (local.get $entry) (local.get $depth))))
    (local.set $at (call $place (local.get $node) (local.get $index)))
    (if (i32.eqz (call $has (local.get $node) (local.get $index)))
      (then
        (local.set $place (call $bitmap_byte (local.get $node) (local.get $index)))
        (i32.store8 (local.get $place)
          (i32.or (i32.load8_u (local.get $place)) (i32.shl (i32.const 1) (i32.and (local.get $index) (i32.const 7)))))
        (i32.store offset=36 (local.get $node) (i32.add (i32.load offset=36 (local.get $node)) (i32.const 1)))
        (call $splice (local.get $node) (local.get $at) (i32.const 0) (i32.const 20))
        (i32.store8 (local.get $at) (i32.const 0x81))
        (call $write_entry (i32.add (local.get $at) (i32.const 1)) (local.get $entry))
        (return)))
    (if (call $is_link (local.get $at))
      (then
        (local.set $child (call $new_node))
        (call $load_node (local.get $child) (i32.add (local.get $at) (i32.const 5)))
        (call $put (local.get $child) (i32.add (local.get $depth) (i32.const 1)) (local.get $entry))
        (call $store_node (local.get $child) (i32.add (local.get $at) (i32.const 5)))
        (call $free_node)
        (return)))
    (local.set $place (call $seek (local.get $at) (local.get $entry)))
    (if (i32.lt_u (local.get $place) (i32.add (local.get $at) (call $pointer_size (local.get $at))))
      (then
        (if (i64.eq (i64.load offset=2 (local.get $place)) (i64.load (local.get $entry)))
          (then (call $write_entry (local.get $place) (local.get $entry)) (return)))))
    (if (i32.lt_u (call $entries (local.get $at)) (i32.const 3))
      (then
        (call $splice (local.get $node) (local.get $place) (i32.const 0) (i32.const 19))
        (call $write_entry (local.get $place) (local.get $entry))
        (i32.store8 (local.get $at) (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))
        (return)))
    ;; a fourth entry: all go into a node of their own
    (local.set $child (call $new_node))
    (local.set $old (i32.add (local.get $child) (i32.const 16320)))
    (local.set $place (i32.add (local.get $at) (i32.const 1)))
    (loop $next
      (i64.store (local.get $old) (i64.load offset=2 (local.get $place)))
      (i64.store offset=8 (local.get $old) (i64.load offset=11 (local.get $place)))
      (call $digest (local.get $old))
      (call $put (local.get $child) (i32.add (local.get $depth) (i32.const 1)) (local.get $old))
      (local.set $place (i32.add (local.get $place) (i32.const 19)))
      (br_if $next (i32.lt_u (local.get $place) (i32.add (local.get $at) (i32.const 58)))))
    (call $put (local.get $child) (i32.add (local.get $depth) (i32.const 1)) (local.get $entry))
    (call $splice (local.get $node) (local.get $at) (i32.const 58) (i32.const 43))
    (call $write_link (local.get $at))
    (call $store_node (local.get $child) (i32.add (local.get $at) (i32.const 5)))
    (call $free_node))

  ;; Give the balance of an entry's key, 0 if it has none.
  (func $balance (param $entry i32) (result i64)
    (local $node i32) (local $depth i32) (local $index i32) (local $at i32) (local $place i32)
    (local.set $node (call $new_node))
    (memory.copy (i32.const 256) (i32.const 768) (i32.const 38))
    (loop $down
      (if (i32.ge_u (local.get $depth) (i32.const 32)) (then (call $abort (i32.const 20))))
      (call $load_node (local.get $node) (i32.const 256))
      (local.set $index (i32.load8_u offset=16 (i32.add (local.get $entry) (local.get $depth))))
      (call $free_node)
      (if (i32.eqz (call $has (local.get $node) (local.get $index))) (then (return (i64.const 0))))
      (local.set $at (call $place (local.get $node) (local.get $index)))
      (if (call $is_link (local.get $at))
        (then
          (memory.copy (i32.const 256) (i32.add (local.get $at) (i32.const 5)) (i32.const 38))
          (local.set $depth (i32.add (local.get $depth) (i32.const 1)))
          (local.set $node (call $new_node))
          (br $down))))
    (local.set $place (call $seek (local.get $at) (local.get $entry)))
    (if (i32.lt_u (local.get $place) (i32.add (local.get $at) (call $pointer_size (local.get $at))))
      (then
        (if (i64.eq (i64.load offset=2 (local.get $place)) (i64.load (local.get $entry)))
          (then (return (call $big (i32.add (local.get $place) (i32.const 11))))))))
    (i64.const 0))

  ;; ---- the state

  (global $supply (mut i64) (i64.const 0))

  (func $load
    (call $check (call $root (i32.const 0) (i32.const 256) (i32.const 100)))
    (call $check (call $block_open (i32.const 0) (i32.const 256)))
    (drop (call $read_block (i32.load (i32.const 8))))
    (global.set $fault (i32.const 24))
    (call $list (i64.const 2))
    (global.set $supply (call $uint))
    (memory.copy (i32.const 768) (i32.add (global.get $at) (i32.const 5)) (i32.const 38)))

  (func $write
    (global.set $to (i32.const 1024))
    (call $put_head (i32.const 4) (i64.const 2))
    (call $put_head (i32.const 0) (global.get $supply))
    (call $write_link (global.get $to))
    (memory.copy (i32.add (global.get $to) (i32.const 5)) (i32.const 768) (i32.const 38))
    (global.set $to (i32.add (global.get $to) (i32.const 43))))

  (func $save
    (call $write)
    (call $check (call $block_link (i32.const 4) (call $block) (i64.const 0xb220) (i32.const 32) (i32.const 256) (i32.const 100)))
    (call $check (call $set_root (i32.const 256))))

  ;; ---- methods

  (func $one (param $value i64) (result i32)
    (global.set $to (i32.const 1024))
    (call $put_head (i32.const 4) (i64.const 1))
    (call $put_head (i32.const 0) (local.get $value))
    (call $block))

  (func $constructor (param $block i32) (result i32)
    (local $owner i64) (local $node i32)
    ;; only the Init actor constructs
    (if (i64.ne (i64.load (i32.const 144)) (i64.const 1)) (then (call $abort (i32.const 18))))
    (call $params (local.get $block) (i64.const 2))
    (global.set $supply (call $uint))
    (local.set $owner (call $uint))
    (call $finish)
    (call $entry (i32.const 560) (local.get $owner))
    (call $put_big (i32.const 568) (global.get $supply))
    (local.set $node (call $new_node))
    (call $put (local.get $node) (i32.const 0) (i32.const 560))
    (call $store_node (local.get $node) (i32.const 768))
    (call $save)
    (i32.const 0))

  ;; An entry of an event, with a value that is written behind those before.
  (func $tell (param $header i32) (param $key_size i32) (param $value i64)
    (local $from i32)
    (local.set $from (global.get $to))
    (call $put_head (i32.const 0) (local.get $value))
    (i64.store (local.get $header) (i64.const 3))
    (i64.store offset=8 (local.get $header) (i64.const 0x51))
    (i32.store offset=16 (local.get $header) (local.get $key_size))
    (i32.store offset=20 (local.get $header) (i32.sub (global.get $to) (local.get $from))))

  (func $transfer (param $block i32) (result i32)
    (local $from i64) (local $receiver i64) (local $amount i64) (local $left i64) (local $node i32)
    (call $params (local.get $block) (i64.const 2))
    (local.set $receiver (call $uint))
    (local.set $amount (call $uint))
    (call $finish)
    (call $load)
    (local.set $from (i64.load (i32.const 144)))
    (call $entry (i32.const 560) (local.get $from))
    (local.set $left (call $balance (i32.const 560)))
    (if (i64.lt_u (local.get $left) (local.get $amount)) (then (call $abort (i32.const 19))))
    (if (i64.ne (local.get $from) (local.get $receiver))
      (then
        (call $put_big (i32.const 568) (i64.sub (local.get $left) (local.get $amount)))
        (call $entry (i32.const 640) (local.get $receiver))
        (call $put_big (i32.const 648) (i64.add (call $balance (i32.const 640)) (local.get $amount)))
        (local.set $node (call $new_node))
        (call $load_node (local.get $node) (i32.const 768))
        (call $put (local.get $node) (i32.const 0) (i32.const 560))
        (call $put (local.get $node) (i32.const 0) (i32.const 640))
        (call $store_node (local.get $node) (i32.const 768))
        (call $save)))
    (global.set $to (i32.const 1024))
    (call $tell (i32.const 384) (i32.const 4) (local.get $from))
    (call $tell (i32.const 408) (i32.const 2) (local.get $receiver))
    (call $tell (i32.const 432) (i32.const 6) (local.get $amount))
    (call $check
      (call $emit_event (i32.const 384) (i32.const 3) (i32.const 512) (i32.const 12) (i32.const 1024)
        (i32.sub (global.get $to) (i32.const 1024))))
    (i32.const 0))

  (func $balance_of (param $block i32) (result i32)
    (local $holder i64)
    (call $params (local.get $block) (i64.const 1))
    (local.set $holder (call $uint))
    (call $finish)
    (call $load)
    (call $entry (i32.const 560) (local.get $holder))
    (call $one (call $balance (i32.const 560))))

  (func $all (result i32)
    (call $load)
    (call $one (global.get $supply)))

  (func (export "invoke") (param $params i32) (result i32)
    (local $method i64)
    (call $check (call $message_context (i32.const 128)))
    (local.set $method (i64.load (i32.const 160)))
    (if (i64.eq (local.get $method) (i64.const 1)) (then (return (call $constructor (local.get $params)))))
    (if (i64.eq (local.get $method) (i64.const 80475954)) (then (return (call $transfer (local.get $params)))))
    (if (i64.eq (local.get $method) (i64.const 2266030508)) (then (return (call $balance_of (local.get $params)))))
    (if (i64.eq (local.get $method) (i64.const 2097177586)) (then (return (call $all))))
    (call $abort (i32.const 22))
    (unreachable)))
