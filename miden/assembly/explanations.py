"""The rows of `miden.assembly.explain`: (code, kind, meaning, explanation, example).

E01 parsing, E02 the meaning of one module, E03 modules together, E04 lowering, E05 execution, E06 limits, W01 warnings.
A code keeps its meaning for ever. Every example of E01 and E02 is a program that has exactly this problem; a test
assembles them.
"""

from __future__ import annotations

from miden.status import FAULTS

Row = tuple[str, str, str, str, str]

_PARSE: tuple[Row, ...] = (
    ("E0101", "InvalidUtf8", "the source is not UTF-8", "Miden assembly is written in UTF-8. Save the file in that encoding.", ""),
    ("E0102", "IncompleteUtf8", "the source ends inside a UTF-8 character", "The file was probably cut short.", ""),
    (
        "E0103",
        "InvalidToken",
        "a character that starts no token",
        (
            "Names start with a letter, or an underscore and a letter or digit; only $kernel and $exec start with a dollar sign; strings "
            "are in straight double quotes."
        ),
        "begin push.1 ? end",
    ),
    (
        "E0104",
        "UnrecognizedToken",
        "something else was expected here",
        (
            "The text is not Miden assembly from here on. The message says what would fit. A frequent cause is an `end` too many or too "
            "few further up."
        ),
        "begin push.1 foo end",
    ),
    (
        "E0105",
        "UnrecognizedEof",
        "the text ends too early",
        "A block is still open where the text ends. The message shows the innermost one.",
        "begin push.1 if.true push.2",
    ),
    (
        "E0106",
        "InvalidIdentifier",
        "not a name",
        'A quoted name must not be empty and must not contain "#"; a component of a path has at most 255 characters.',
        'proc "a#b" nop end begin nop end',
    ),
    (
        "E0107",
        "UnclosedQuote",
        "a quotation mark without a closing one on its line",
        "Strings end on the line they start on. A backslash keeps the next quotation mark from ending the string; nothing is unescaped.",
        'begin assert.err="oops end',
    ),
    (
        "E0108",
        "CodeBlockTooBig",
        "a block of more than 65535 operations",
        "Blocks are counted after folding, a nested block as one. Move part of the block to a procedure and `exec` it.",
        "",
    ),
    (
        "E0109",
        "DivisionByZero",
        "a divisor that is known to be 0",
        "In `div.0`, `u32div.0`, `u32mod.0`, `u32divmod.0`, with a constant that is 0 in their place, or in a constant expression.",
        "begin push.8 div.0 end",
    ),
    (
        "E0110",
        "StringInArithmeticExpression",
        "a string as an operand of arithmetic",
        'Strings are whole constants, for error messages: const ERR = "message".',
        'const A = "a" + 1 begin nop end',
    ),
    ("E0111", "DocsTooLarge", "a doc comment of more than 65535 bytes", "Split it, or make part of it an ordinary comment.", ""),
    (
        "E0112",
        "InvalidLiteral",
        "a number that does not fit",
        (
            "Field elements are below p = 2**64 - 2**32 + 1, u32 immediates below 2**32, the bits of `exp.uN` below 64. After 0x and 0b "
            "there must be digits."
        ),
        "begin push.18446744069414584321 end",
    ),
    (
        "E0113",
        "InvalidHexLiteral",
        "a hex literal of the wrong length",
        (
            "Up to 16 digits are a number, most significant digit first. 64 digits are a word: four elements of 8 bytes, least significant "
            "byte first."
        ),
        "begin push.0x000000000000000001 end",
    ),
    (
        "E0114",
        "InvalidBinaryLiteral",
        "a binary literal of more than 32 digits",
        "Binary literals are u32 immediates.",
        "begin mem_load.0b000000000000000000000000000000001 end",
    ),
    (
        "E0115",
        "InvalidMastRoot",
        "a digest that is too short",
        "A procedure may be named by its digest: 0x and 64 hex digits.",
        "begin exec.0x1234 end",
    ),
    (
        "E0116",
        "ImmediateOutOfRange",
        "an immediate out of its range",
        "Stack positions, shifts, counts of `repeat`, local indices and numbers of locals each have a range; the message states it.",
        "begin dup.16 end",
    ),
    (
        "E0117",
        "PushOverflow",
        "a push of more than 16 items",
        "Write two `push` instructions.",
        "begin push.1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17 end",
    ),
    (
        "E0118",
        "UnqualifiedImport",
        "a path without a module",
        "An import names a module and an item in it: `use lib::item`. What is defined in the same module needs no import.",
        "use foo begin nop end",
    ),
    (
        "E0119",
        "UnnamedReexportOfMastRoot",
        "an import by digest without a name",
        "Write `use DIGEST -> NAME`.",
        "use 0x0100000000000000020000000000000003000000000000000400000000000000 begin nop end",
    ),
    (
        "E0120",
        "AttributeConflict",
        "the same attribute twice",
        "Only attributes with keys may be repeated: they are merged.",
        "@locals(4) @locals(8) proc f nop end begin nop end",
    ),
    (
        "E0121",
        "AttributeKeyValueConflict",
        "the same key twice in an attribute",
        "A key of an attribute has one value.",
        "@storage(offset = 1, offset = 2) proc f nop end begin nop end",
    ),
    (
        "E0122",
        "UnrecognizedCallConv",
        "an unknown calling convention",
        'Known are fast, "C", wasm, "canon-lift" and "canon-lower".',
        "@callconv(slow) proc f() nop end begin nop end",
    ),
    (
        "E0123",
        "InvalidLocalsAttr",
        "@locals without a number",
        "@locals(n) takes one number, 0 to 65535.",
        "@locals(four) proc f nop end begin nop end",
    ),
    (
        "E0124",
        "InvalidStructAnnotation",
        "an unknown annotation of a struct",
        "Known are @packed, @transparent, @bigendian and @align(n).",
        "type point = struct @tight { x: felt } begin nop end",
    ),
    (
        "E0125",
        "InvalidStructRepr",
        "an alignment that is none",
        "@align(n) takes one number, 1 to 65535.",
        "type point = struct @align(0) { x: felt } begin nop end",
    ),
    (
        "E0126",
        "DeprecatedInstruction",
        "an instruction that has been removed",
        (
            "mem_loadw, mem_storew, loc_loadw and loc_storew now say where element 0 of the word is: `_be` below element 3 on the stack, "
            "as before, `_le` on top."
        ),
        "begin mem_loadw.4 end",
    ),
    (
        "E0127",
        "InvalidPadValue",
        "a padding other than 0, 4 or 8",
        "`adv.push_mapvaln.n` pads the values to a multiple of n.",
        "begin adv.push_mapvaln.3 end",
    ),
    (
        "E0128",
        "NestingLimitExceeded",
        "nested too deep",
        "Blocks, parentheses and types may be nested to a limit that the caller sets.",
        "",
    ),
    ("E0129", "SourceTooLarge", "the source exceeds the size limit", "Split the module, or raise the limit.", ""),
)

_MODULE: tuple[Row, ...] = (
    ("E0201", "MissingEntrypoint", "a program without `begin`", "A program is a module with one `begin ... end`.", "proc f nop end"),
    ("E0202", "UnexpectedEntrypoint", "`begin` in a library or kernel", "Libraries export procedures: `pub proc`.", ""),
    (
        "E0203",
        "UnexpectedExport",
        "`pub` on a procedure or import of a program",
        "Nothing can call into a program: remove `pub`.",
        "pub proc f nop end begin exec.f end",
    ),
    ("E0204", "ReexportFromKernel", "`pub use` in a kernel", "A kernel exports its own procedures only.", ""),
    (
        "E0205",
        "SymbolConflict",
        "a name that is already defined",
        "Constants, types, procedures and imports of one module share their names, with few exceptions.",
        "proc f nop end proc f add end begin exec.f end",
    ),
    (
        "E0206",
        "InvalidEnumRepr",
        "an enum with a representation that is not supported",
        "Supported are i1, i8, i16, i32, u8, u16 and u32.",
        "",
    ),
    ("E0207", "InvalidEnumDiscriminant", "a value that does not fit its enum", "The representation of the enum bounds its values.", ""),
    ("E0208", "EnumDiscriminantConflict", "two variants with one value", "The values of an enum differ from each other.", ""),
    (
        "E0209",
        "AdvMapKeyAlreadyDefined",
        "the same key twice in the advice map",
        "Without a key an entry is stored under the hash of its values, so equal values collide.",
        "adv_map A = [1] adv_map B = [1] begin nop end",
    ),
    (
        "E0210",
        "SelfRecursive",
        "a procedure that calls itself",
        "Programs have no recursion: a procedure's digest contains those of its callees. Use a loop.",
        "proc f exec.f end begin exec.f end",
    ),
    (
        "E0211",
        "InvalidSyscallTarget",
        "a syscall with a path",
        "`syscall.NAME` names a procedure of the kernel, without a module.",
        "begin syscall.a::b end",
    ),
    ("E0212", "InvalidInvokeTargetViaImport", "a path through an import that is a procedure", "A digest has no items.", ""),
    ("E0213", "MissingImport", "a module that is not imported", "Add `use PATH`.", ""),
    (
        "E0214",
        "UndefinedSymbol",
        "a name that nothing defines",
        "Procedures, constants and types must be defined in the module, imported with `use`, or named by their full path.",
        "begin exec.missing end",
    ),
    ("E0215", "SymbolResolutionError", "a name that cannot be resolved", "See UndefinedSymbol.", ""),
    (
        "E0216",
        "ImmediateOverflow",
        "a constant that does not fit where it is used",
        "Arithmetic on named constants is checked: results are 0 to 2**64 - 1, and must fit the immediate they stand for.",
        "const A = 256 begin debug.stack.A nop end",
    ),
    (
        "E0217",
        "InvalidConstant",
        "a constant of the wrong kind for its place",
        "Numbers, words, strings and events are different kinds of constants.",
        'const A = "text" begin push.A end',
    ),
    (
        "E0218",
        "InvalidConstExprOperand",
        "an operand that is no number",
        "Constant arithmetic is on numbers.",
        "const A = [1,2,3,4] const B = A + 1 begin push.B end",
    ),
    (
        "E0219",
        "ConstEvalCycle",
        "constants that depend on each other in a circle",
        "A constant must not depend on itself.",
        "const A = B const B = A begin push.A end",
    ),
)

_LINK: tuple[Row, ...] = (
    ("E0301", "DuplicateModule", "two modules with the same path", "Paths are unique over sources, libraries and the kernel.", ""),
    ("E0302", "InvalidAliasTarget", "an import of something that cannot be imported", "See the note for the import.", ""),
    ("E0303", "InvalidSubPath", "a path through something that has no items", "Only modules have items: `module::item`.", ""),
    ("E0304", "InvalidSymbolType", "a name of the wrong kind", "A procedure, constant or type was wanted, something else was found.", ""),
    (
        "E0305",
        "InvalidSysCallTarget",
        "a syscall to something that is no kernel procedure",
        "Give the assembler a kernel that exports the procedure.",
        "",
    ),
    ("E0306", "InvalidInvokeTarget", "a call of something that is no procedure", "Modules, constants and types cannot be called.", ""),
    ("E0307", "InvalidConstantRef", "a path to something that is no constant", "A constant was wanted here.", ""),
    ("E0308", "InvalidTypeRef", "a path to something that is no type", "A type was wanted here.", ""),
    ("E0309", "UndefinedType", "a type that nothing defines", "Define it with `type`, or import it.", ""),
    (
        "E0310",
        "Cycle",
        "procedures that call each other in a circle",
        "Programs have no recursion, neither by exec, call and syscall nor by procref.",
        "proc a exec.b end proc b exec.a end begin exec.a end",
    ),
    ("E0311", "AdviceMapKeyAlreadyPresent", "two advice maps with different values for a key", "Remove one of the entries.", ""),
    ("E0312", "AdviceMapKeyCollisionOnMerge", "two libraries with different values for a key", "Link one of them dynamically.", ""),
    ("E0313", "CircularImport", "imports that lead back to themselves", "Imports must end at an item that is defined.", ""),
    ("E0314", "LimitExceeded", "more modules or items than can be numbered", "There are at most 65535 of each.", ""),
    ("E0315", "PhantomCall", "a call by digest of a procedure that is not linked", "Link its library, or allow phantom calls.", ""),
    ("E0316", "UnresolvedAlias", "a re-export of something that is no item", "Modules and unknown digests cannot be re-exported.", ""),
    ("E0317", "TypeCycle", "a type that contains itself", "Types are finite.", ""),
    ("E0318", "TypeTooLarge", "a type of too many types", "Use fewer or smaller types.", ""),
    ("E0319", "NoExport", "a library that exports nothing", "Make at least one item `pub`.", ""),
    ("E0320", "InvalidKernelExport", "a kernel that exports from another module", "Kernel procedures are in the kernel module itself.", ""),
    ("E0321", "Empty", "nothing to assemble", "Give the assembler at least one module.", ""),
    ("E0322", "InvalidModulePath", "not the path of a module", "Components of a path are names, joined by `::`.", ""),
)

_LOWERING: tuple[Row, ...] = (
    ("E0401", "InvalidProcedure", "a body with decorators and no operation", "Add a `nop`.", "proc f debug.stack end begin exec.f end"),
    ("E0402", "InvalidArgument", "a shift by more than 31", "A u32 has 32 bits.", "const N = 32 begin push.1 u32shl.N end"),
    (
        "E0403",
        "InvalidLocalReference",
        "a local of a procedure without locals",
        "Declare them: `@locals(n)` before `proc`. The entry point cannot have any.",
        "begin loc_load.0 end",
    ),
    (
        "E0404",
        "InvalidLocalIndex",
        "a local beyond the declared ones",
        "n locals are numbered 0 to n - 1; a word takes four.",
        "@locals(4) proc f loc_load.4 end begin exec.f end",
    ),
    (
        "E0405",
        "InvalidLocalWordIndex",
        "a word of locals that is not aligned",
        "Words of locals start at multiples of 4.",
        "@locals(8) proc f loc_loadw_be.2 end begin exec.f end",
    ),
    (
        "E0406",
        "InvalidRange",
        "a slice that is no range of a word",
        "Elements of a word are numbered 0 to 3; the end of a slice is exclusive.",
        "begin push.[1,2,3,4][2..5] end",
    ),
    ("E0407", "EmptySlice", "a slice without elements", "The end of a slice is exclusive.", "begin push.[1,2,3,4][2..2] end"),
    (
        "E0408",
        "ConflictingDefinitions",
        "two procedures with one digest and different locals",
        "Their code is the same, so nothing could tell them apart. Give them the same number of locals.",
        "",
    ),
    ("E0409", "ProgramTooLarge", "more nodes or operations than the limit", "`repeat` unrolls its body: use `while.true`.", ""),
    ("E0410", "InvalidEntrypoint", "an entry point that cannot be one", "The entry point is `begin`; it has no locals.", ""),
)

# (code, kind, meaning, text); for the kinds of `miden.status` the messages are added
_RUN: tuple[tuple[str, str, str, str], ...] = (
    ("E0501", "FailedAssertion", "an assertion that does not hold", 'Give it a message, err="...", to tell it from others.'),
    ("E0502", "NotBinaryValueIf", "a condition of `if` other than 0 and 1", "`if.true` pops its condition from the stack."),
    ("E0503", "NotBinaryValueLoop", "a condition of `while` other than 0 and 1", "`while.true` pops its condition before every round."),
    ("E0504", "NotBinaryValueOp", "an operand other than 0 and 1", "Boolean instructions and conditional swaps work on 0 and 1 only."),
    ("E0505", "NotU32Values", "an operand of 2**32 or more", "u32 instructions work on u32 values; `u32cast` and `u32split` make them."),
    ("E0506", "DivideByZero", "a division by 0", "`div`, `inv`, `u32div`, `u32mod`, `u32divmod` and `ext2div` have no result for it."),
    ("E0507", "MemoryError", "a memory access that is not possible", "Addresses are below 2**32, and words start at multiples of 4."),
    ("E0508", "AdviceError", "advice that is not there", "The program asked for advice that it was not given: see the inner error."),
    ("E0509", "MerklePathVerificationFailed", "a node that is not in its Merkle tree", "The root, the place or the node is another one."),
    ("E0510", "InvalidFriDomainSegment", "a FRI domain segment above 3", "`fri_ext2fold4` was given a wrong segment."),
    ("E0511", "InvalidFriLayerFolding", "FRI layers that do not fit", "The folded value of the layer before is another one."),
    ("E0512", "AceChipError", "an arithmetic circuit that fails", "The circuit is malformed, or does not evaluate to zero."),
    ("E0513", "InvalidStackDepthOnReturn", "a call that returns with more than 16 elements", "Drop what the procedure added to the stack."),
    ("E0514", "OutputStackOverflow", "a program that ends with more than 16 elements", "Drop what the program added to the stack."),
    ("E0515", "SyscallTargetNotInKernel", "a syscall that the kernel does not have", "The program was assembled against another kernel."),
    ("E0516", "CircularExternalNode", "an external node that resolves to an external node", "The library of this root is not complete."),
    ("E0517", "DynamicNodeNotFound", "a dynamic call of a digest that nobody has", "Give the host a library with this procedure."),
    ("E0518", "NoMastForestWithProcedure", "an external procedure that nobody has", "Give the host the library it comes from."),
    ("E0519", "MalformedMastForestInHost", "a forest without the procedure it was asked for", "The host mixed up two libraries."),
    ("E0520", "EventError", "an event that could not be handled", "No handler is registered for it, or the handler failed."),
    ("E0521", "LogArgumentZero", "a logarithm of 0", "`ilog2` has no result for it."),
    ("E0522", "DebugHandlerError", "a debug handler that failed", "See the inner error."),
    ("E0523", "TraceHandlerError", "a trace handler that failed", "See the inner error."),
    ("E0524", "InvalidCryptoInput", "a Merkle path of the wrong length", "The path given as advice does not fit the depth."),
    ("E0525", "MastNodeNotFoundInForest", "a node that is not in its forest", "The forest is damaged."),
    ("E0526", "DuplicateEventHandler", "a second handler for an event", "Remove the first one before adding another."),
    ("E0527", "ReservedEventNamespace", "a handler for a system event", "Events named sys:: are the machine's own."),
    ("E0601", "CycleLimitExceeded", "more cycles than allowed", "A loop may not end. The limit can be raised."),
    ("E0602", "StackLimitExceeded", "a stack deeper than allowed", "A loop may push without dropping. The limit can be raised."),
    ("E0603", "MemoryLimitExceeded", "more memory than allowed", "Whole pages count. The limit can be raised."),
    ("E0604", "ContinuationLimitExceeded", "code nested deeper than allowed", "The limit can be raised."),
    ("E0605", "OutOfMemory", "no memory left", "The system refused memory to the machine."),
    ("E0606", "DeadlineExceeded", "a run longer than its deadline", "The deadline can be raised."),
    ("E0607", "AdviceLimitExceeded", "more advice than allowed", "The limit can be raised."),
    ("E0608", "FetchLimitExceeded", "more forests fetched than allowed", "The limit can be raised."),
)


def _execution() -> tuple[Row, ...]:
    messages: dict[str, list[str]] = {}
    for row in FAULTS.values():
        messages.setdefault(row.kind, []).append(row.template)
    return tuple(
        (code, kind, meaning, "\n".join([text, *(f"Message: {message}" for message in messages.get(kind, ()))]), "")
        for code, kind, meaning, text in _RUN
    )


_WARNINGS: tuple[Row, ...] = (
    (
        "W0101",
        "UnusedImport",
        "an import that is not used",
        "Remove it. An import only counts as used after its `use` line, in a path or as a constant.",
        "",
    ),
    ("W0102", "UnusedDocstring", "a doc comment that belongs to nothing", "A doc comment stands directly before what it documents.", ""),
    (
        "W0201",
        "StaticDyncall",
        "a static library with a dynamic call, which the reference cannot copy",
        'It is copied, and means what it meant. `compat="0.20.6"` leaves such procedures external, as that release does.',
        "",
    ),
    (
        "W0202",
        "LibraryIgnored",
        "a library that is ignored, because one with the same procedures is linked already",
        "Libraries are told apart by the digests of their procedures; paths that only the second one has are not linked.",
        "",
    ),
)

ROWS: tuple[Row, ...] = (*_PARSE, *_MODULE, *_LINK, *_LOWERING, *_execution(), *_WARNINGS)
"""All rows."""
