;; Approval by several: value leaves this actor when enough of its signers agree.
;;
;; The state is [threshold, [signer...], next id, [[id, to, value, [approver...]]...]]; all actors by their IDs.

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

  (import "send" "send"
    (func $send (param $out i32) (param $to i32) (param $to_size i32) (param $method i64) (param $params i32) (param $high i64)
      (param $low i64) (param $gas i64) (param $flags i64) (result i32)))

  ;; Memory: results of calls from 0, the facts of the invocation at 128, a CID at 256, an event at 384, an address at 640, what is
  ;; written at 1024, what is read from the second page on. The state at 8192: threshold, number of signers, next id, number of
  ;; proposals, 16 signers; at 8448, 16 proposals of 160 bytes: id, to, value, number of approvers, 16 approvers.
  (memory (export "memory") 2)
  (data (i32.const 512) "proposedexecutedapproved")

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

  (func $threshold (result i64) (i64.load (i32.const 8192)))
  (func $signers (result i32) (i32.load (i32.const 8200)))
  (func $proposals (result i32) (i32.load (i32.const 8216)))
  (func $proposal (param $index i32) (result i32) (i32.add (i32.const 8448) (i32.mul (local.get $index) (i32.const 160))))

  ;; Read a list of numbers of which at most 16 are kept; give how many there are.
  (func $numbers (param $to i32) (result i64)
    (local $count i64) (local $left i64) (local $value i64)
    (local.set $count (call $head (i32.const 4)))
    (local.set $left (local.get $count))
    (block $done
      (loop $next
        (br_if $done (i64.eqz (local.get $left)))
        (local.set $value (call $uint))
        (if (i64.lt_u (i64.sub (local.get $count) (local.get $left)) (i64.const 16))
          (then (i64.store (local.get $to) (local.get $value)) (local.set $to (i32.add (local.get $to) (i32.const 8)))))
        (local.set $left (i64.sub (local.get $left) (i64.const 1)))
        (br $next)))
    (local.get $count))

  (func $load
    (local $index i32) (local $at i32)
    (call $check (call $root (i32.const 0) (i32.const 256) (i32.const 100)))
    (call $check (call $block_open (i32.const 0) (i32.const 256)))
    (drop (call $read_block (i32.load (i32.const 8))))
    (global.set $fault (i32.const 24))
    (call $list (i64.const 4))
    (i64.store (i32.const 8192) (call $uint))
    (i64.store (i32.const 8200) (call $numbers (i32.const 8224)))
    (i64.store (i32.const 8208) (call $uint))
    (i64.store (i32.const 8216) (call $head (i32.const 4)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $index) (call $proposals)))
        (local.set $at (call $proposal (local.get $index)))
        (call $list (i64.const 4))
        (i64.store (local.get $at) (call $uint))
        (i64.store offset=8 (local.get $at) (call $uint))
        (i64.store offset=16 (local.get $at) (call $uint))
        (i64.store offset=24 (local.get $at) (call $numbers (i32.add (local.get $at) (i32.const 32))))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br $next))))

  (func $put_numbers (param $from i32) (param $count i32)
    (call $put_head (i32.const 4) (i64.extend_i32_u (local.get $count)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (call $put_head (i32.const 0) (i64.load (local.get $from)))
        (local.set $from (i32.add (local.get $from) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next))))

  (func $put_pending
    (local $index i32) (local $at i32)
    (call $put_head (i32.const 4) (i64.extend_i32_u (call $proposals)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $index) (call $proposals)))
        (local.set $at (call $proposal (local.get $index)))
        (call $put_head (i32.const 4) (i64.const 4))
        (call $put_head (i32.const 0) (i64.load (local.get $at)))
        (call $put_head (i32.const 0) (i64.load offset=8 (local.get $at)))
        (call $put_head (i32.const 0) (i64.load offset=16 (local.get $at)))
        (call $put_numbers (i32.add (local.get $at) (i32.const 32)) (i32.load offset=24 (local.get $at)))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br $next))))

  (func $write
    (global.set $to (i32.const 1024))
    (call $put_head (i32.const 4) (i64.const 4))
    (call $put_head (i32.const 0) (call $threshold))
    (call $put_numbers (i32.const 8224) (call $signers))
    (call $put_head (i32.const 0) (i64.load (i32.const 8208)))
    (call $put_pending))

  (func $save
    (call $write)
    (call $check (call $block_link (i32.const 4) (call $block) (i64.const 0xb220) (i32.const 32) (i32.const 256) (i32.const 100)))
    (call $check (call $set_root (i32.const 256))))

  ;; ---- methods

  ;; Whether one of so many numbers is this one.
  (func $among (param $from i32) (param $count i32) (param $value i64) (result i32)
    (loop $next
      (if (local.get $count)
        (then
          (if (i64.eq (i64.load (local.get $from)) (local.get $value)) (then (return (i32.const 1))))
          (local.set $from (i32.add (local.get $from) (i32.const 8)))
          (local.set $count (i32.sub (local.get $count) (i32.const 1)))
          (br $next))))
    (i32.const 0))

  (func $caller (result i64) (i64.load (i32.const 144)))

  (func $only_signers
    (if (i32.eqz (call $among (i32.const 8224) (call $signers) (call $caller))) (then (call $abort (i32.const 18)))))

  ;; Tell one number under a key of 8 letters.
  (func $emit (param $key i32) (param $value i64)
    (global.set $to (i32.const 1024))
    (call $put_head (i32.const 0) (local.get $value))
    (i64.store (i32.const 384) (i64.const 3))
    (i64.store (i32.const 392) (i64.const 0x51))
    (i32.store (i32.const 400) (i32.const 8))
    (i32.store (i32.const 404) (i32.sub (global.get $to) (i32.const 1024)))
    (call $check
      (call $emit_event (i32.const 384) (i32.const 1) (local.get $key) (i32.const 8) (i32.const 1024) (i32.load (i32.const 404)))))

  ;; Send what was decided, after the state is written: who is sent to may call back.
  (func $execute (param $id i64) (param $receiver i64) (param $value i64)
    (local $code i32)
    (global.set $to (i32.const 640))
    (call $put_byte (i32.const 0))
    (loop $more
      (call $put_byte
        (i32.or (i32.wrap_i64 (i64.and (local.get $receiver) (i64.const 127)))
          (i32.shl (i64.gt_u (local.get $receiver) (i64.const 127)) (i32.const 7))))
      (local.set $receiver (i64.shr_u (local.get $receiver) (i64.const 7)))
      (br_if $more (i64.ne (local.get $receiver) (i64.const 0))))
    (local.set $code (i32.const 19))
    (if
      (i32.eqz
        (call $send (i32.const 0) (i32.const 640) (i32.sub (global.get $to) (i32.const 640)) (i64.const 0) (i32.const 0) (i64.const 0)
          (local.get $value) (i64.const -1) (i64.const 0)))
      (then (local.set $code (i32.load (i32.const 0)))))
    (if (local.get $code)
      (then (call $abort (select (local.get $code) (i32.const 19) (i32.ge_u (local.get $code) (i32.const 16))))))
    (call $emit (i32.const 520) (local.get $id)))

  (func $one (param $value i64) (result i32)
    (global.set $to (i32.const 1024))
    (call $put_head (i32.const 4) (i64.const 1))
    (call $put_head (i32.const 0) (local.get $value))
    (call $block))

  (func $constructor (param $block i32) (result i32)
    (local $count i64) (local $index i32) (local $wrong i32)
    ;; only the Init actor constructs
    (if (i64.ne (i64.load (i32.const 144)) (i64.const 1)) (then (call $abort (i32.const 18))))
    (call $params (local.get $block) (i64.const 2))
    (i64.store (i32.const 8192) (call $uint))
    (local.set $count (call $numbers (i32.const 8224)))
    (call $finish)
    (i64.store (i32.const 8200) (local.get $count))
    (local.set $wrong
      (i32.or (i64.eqz (call $threshold))
        (i32.or (i64.gt_u (call $threshold) (local.get $count)) (i64.gt_u (local.get $count) (i64.const 16)))))
    (block $done
      (br_if $done (local.get $wrong))
      (loop $next
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br_if $done (i32.ge_u (local.get $index) (call $signers)))
        (local.set $wrong
          (i32.or (local.get $wrong)
            (i64.le_u (i64.load offset=8224 (i32.shl (local.get $index) (i32.const 3)))
              (i64.load offset=8216 (i32.shl (local.get $index) (i32.const 3))))))
        (br $next)))
    (if (local.get $wrong) (then (call $abort (i32.const 16))))
    (call $save)
    (i32.const 0))

  (func $propose (param $block i32) (result i32)
    (local $to i64) (local $value i64) (local $id i64) (local $at i32)
    (call $params (local.get $block) (i64.const 2))
    (local.set $to (call $uint))
    (local.set $value (call $uint))
    (call $finish)
    (call $load)
    (call $only_signers)
    (if (i32.ge_u (call $proposals) (i32.const 16)) (then (call $abort (i32.const 20))))
    (local.set $id (i64.load (i32.const 8208)))
    (i64.store (i32.const 8208) (i64.add (local.get $id) (i64.const 1)))
    (if (i64.gt_u (call $threshold) (i64.const 1))
      (then
        (local.set $at (call $proposal (call $proposals)))
        (i64.store (local.get $at) (local.get $id))
        (i64.store offset=8 (local.get $at) (local.get $to))
        (i64.store offset=16 (local.get $at) (local.get $value))
        (i64.store offset=24 (local.get $at) (i64.const 1))
        (i64.store offset=32 (local.get $at) (call $caller))
        (i32.store (i32.const 8216) (i32.add (call $proposals) (i32.const 1)))))
    (call $save)
    (call $emit (i32.const 512) (local.get $id))
    (if (i64.eq (call $threshold) (i64.const 1))
      (then (call $execute (local.get $id) (local.get $to) (local.get $value))))
    (call $one (local.get $id)))

  (func $approve (param $block i32) (result i32)
    (local $id i64) (local $to i64) (local $value i64) (local $index i32) (local $at i32) (local $count i32) (local $decided i32)
    (call $params (local.get $block) (i64.const 1))
    (local.set $id (call $uint))
    (call $finish)
    (call $load)
    (call $only_signers)
    (block $found
      (loop $next
        (if (i32.eq (local.get $index) (call $proposals)) (then (call $abort (i32.const 17))))
        (local.set $at (call $proposal (local.get $index)))
        (br_if $found (i64.eq (i64.load (local.get $at)) (local.get $id)))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br $next)))
    (local.set $count (i32.load offset=24 (local.get $at)))
    (if (call $among (i32.add (local.get $at) (i32.const 32)) (local.get $count) (call $caller)) (then (call $abort (i32.const 18))))
    (i64.store offset=32 (i32.add (local.get $at) (i32.shl (local.get $count) (i32.const 3))) (call $caller))
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (i32.store offset=24 (local.get $at) (local.get $count))
    (local.set $to (i64.load offset=8 (local.get $at)))
    (local.set $value (i64.load offset=16 (local.get $at)))
    (local.set $decided (i64.ge_u (i64.extend_i32_u (local.get $count)) (call $threshold)))
    (if (local.get $decided)
      (then
        ;; the proposals after it move up
        (memory.copy (local.get $at) (i32.add (local.get $at) (i32.const 160))
          (i32.mul (i32.const 160) (i32.sub (i32.sub (call $proposals) (local.get $index)) (i32.const 1))))
        (i32.store (i32.const 8216) (i32.sub (call $proposals) (i32.const 1)))))
    (call $save)
    (if (local.get $decided)
      (then (call $execute (local.get $id) (local.get $to) (local.get $value)))
      (else (call $emit (i32.const 528) (local.get $id))))
    (call $one (i64.extend_i32_u (local.get $decided))))

  (func $pending (result i32)
    (call $load)
    (global.set $to (i32.const 1024))
    (call $put_pending)
    (call $block))

  (func (export "invoke") (param $params i32) (result i32)
    (local $method i64)
    (call $check (call $message_context (i32.const 128)))
    (local.set $method (i64.load (i32.const 160)))
    (if (i64.eq (local.get $method) (i64.const 1)) (then (return (call $constructor (local.get $params)))))
    (if (i64.eq (local.get $method) (i64.const 1696838335)) (then (return (call $propose (local.get $params)))))
    (if (i64.eq (local.get $method) (i64.const 1289044053)) (then (return (call $approve (local.get $params)))))
    (if (i64.eq (local.get $method) (i64.const 87294179)) (then (return (call $pending))))
    (call $abort (i32.const 22))
    (unreachable)))
