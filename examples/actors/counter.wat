;; A counter: the smallest actor with a state, [count].
;;
;; miden actor deploy examples/actors/counter.wat start=5

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

  ;; Memory: results of calls from 0, the facts of the invocation at 128, a CID at 256, an event at 384, what is written at 1024,
  ;; what is read from the second page on.
  (memory (export "memory") 2)
  (data (i32.const 512) "count")

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

  ;; ---- the state

  (func $load (result i64)
    (call $check (call $root (i32.const 0) (i32.const 256) (i32.const 100)))
    (call $check (call $block_open (i32.const 0) (i32.const 256)))
    (drop (call $read_block (i32.load (i32.const 8))))
    (global.set $fault (i32.const 24))
    (call $list (i64.const 1))
    (call $uint))

  (func $write (param $count i64)
    (global.set $to (i32.const 1024))
    (call $put_head (i32.const 4) (i64.const 1))
    (call $put_head (i32.const 0) (local.get $count)))

  (func $save (param $count i64)
    (call $write (local.get $count))
    (call $check (call $block_link (i32.const 4) (call $block) (i64.const 0xb220) (i32.const 32) (i32.const 256) (i32.const 100)))
    (call $check (call $set_root (i32.const 256))))

  ;; ---- methods

  (func $constructor (param $block i32) (result i32)
    (local $start i64)
    ;; only the Init actor constructs
    (if (i64.ne (i64.load (i32.const 144)) (i64.const 1)) (then (call $abort (i32.const 18))))
    (if (local.get $block)
      (then
        (call $params (local.get $block) (i64.const 1))
        (local.set $start (call $uint))
        (call $finish)))
    (call $save (local.get $start))
    (i32.const 0))

  (func $increment (param $block i32) (result i32)
    (local $count i64)
    (call $params (local.get $block) (i64.const 1))
    (local.set $count (call $uint))
    (call $finish)
    (local.set $count (i64.add (local.get $count) (call $load)))
    (if (i64.lt_s (local.get $count) (i64.const 0)) (then (call $abort (i32.const 20))))
    (call $save (local.get $count))
    ;; an entry of an event: flags, codec, size of the key, size of the value
    (global.set $to (i32.const 1024))
    (call $put_head (i32.const 0) (local.get $count))
    (i64.store (i32.const 384) (i64.const 3))
    (i64.store (i32.const 392) (i64.const 0x51))
    (i32.store (i32.const 400) (i32.const 5))
    (i32.store (i32.const 404) (i32.sub (global.get $to) (i32.const 1024)))
    (call $check
      (call $emit_event (i32.const 384) (i32.const 1) (i32.const 512) (i32.const 5) (i32.const 1024) (i32.load (i32.const 404))))
    (call $write (local.get $count))
    (call $block))

  (func $get (result i32)
    (call $write (call $load))
    (call $block))

  (func (export "invoke") (param $params i32) (result i32)
    (local $method i64)
    (call $check (call $message_context (i32.const 128)))
    (local.set $method (i64.load (i32.const 160)))
    (if (i64.eq (local.get $method) (i64.const 1)) (then (return (call $constructor (local.get $params)))))
    (if (i64.eq (local.get $method) (i64.const 2922929132)) (then (return (call $increment (local.get $params)))))
    (if (i64.eq (local.get $method) (i64.const 355179992)) (then (return (call $get))))
    (call $abort (i32.const 22))
    (unreachable)))
