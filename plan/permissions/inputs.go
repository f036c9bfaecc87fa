package permissions

import (
	"fmt"
	"go/types"
	"iter"
	"maps"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// callsIn returns the operations among the functions, with the fields that the others set in their inputs.
func callsIn(reached functions) ([]Call, error) {
	inputs := map[Call]map[string]bool{} // operation without fields → the sets of fields that it is called with
	add := func(pkg, operation, with string) error {
		of := []Call{{Service: strings.TrimPrefix(pkg, services), Operation: operation}}
		if pkg == transfers {
			operations, ok := transferred[operation]
			if !ok {
				return fmt.Errorf("transfermanager's %s is not in the table of what it calls", operation)
			}
			of = operations
		}
		for _, c := range of {
			if inputs[c] == nil {
				inputs[c] = map[string]bool{}
			}
			inputs[c][relevant(c, with)] = true
		}
		return nil
	}
	var calls []Call
	for f := range reached {
		if call, ok := operation(f); ok {
			calls = append(calls, call)
			continue
		}
		if strings.HasPrefix(packagePath(f), sdk) {
			continue // it fills inputs from others
		}
		for pkg, operation := range eachInput(f) {
			for _, with := range operation.variants() {
				if err := add(pkg, operation.name, with); err != nil {
					return nil, fmt.Errorf("%s: %w", f, err)
				}
			}
		}
	}
	var all []Call
	for _, c := range sorted(calls) {
		with := inputs[c]
		if len(with) == 0 {
			with = map[string]bool{"": true}
		}
		for _, w := range slices.Sorted(maps.Keys(with)) {
			all = append(all, Call{c.Service, c.Operation, w})
		}
	}
	return sorted(all), nil
}

// transferred is, for each operation of the transfer manager, those of S3 that get its fields.
var transferred = map[string][]Call{
	"UploadObject": {
		{Service: "s3", Operation: "PutObject"}, {Service: "s3", Operation: "CreateMultipartUpload"}, {Service: "s3", Operation: "UploadPart"},
		{Service: "s3", Operation: "CompleteMultipartUpload"}, {Service: "s3", Operation: "AbortMultipartUpload"},
	},
	"DownloadObject":    {{Service: "s3", Operation: "GetObject"}, {Service: "s3", Operation: "HeadObject"}},
	"GetObject":         {{Service: "s3", Operation: "GetObject"}, {Service: "s3", Operation: "HeadObject"}},
	"UploadDirectory":   {},
	"DownloadDirectory": {},
}

// relevant keeps of a set of fields those that change which permission the call needs, as the table of operations
// writes them.
func relevant(c Call, with string) string {
	kept := map[string]bool{}
	for name := range strings.SplitSeq(with, ",") {
		for _, r := range operations[c.Service+"."+c.Operation].rules {
			if strings.EqualFold(name, r.field) { // the transfer manager writes VersionID
				kept[r.field] = true
			}
		}
	}
	return fields(kept)
}

// input is one value of an input type that a function makes.
type input struct {
	name string // of the operation
	// always and sometimes are the fields that are set, unconditionally or not.
	always, sometimes map[string]bool
}

// variants returns the sets of fields that the input may have: with all that are set sometimes, with none of them, and
// with each alone.
func (i input) variants() []string {
	sets := []map[string]bool{i.always}
	for name := range i.sometimes {
		one := maps.Clone(i.always)
		one[name] = true
		sets = append(sets, one)
	}
	every := maps.Clone(i.always)
	maps.Copy(every, i.sometimes)
	var out []string
	for _, s := range append(sets, every) {
		out = append(out, fields(s))
	}
	return out
}

// eachInput walks the inputs that a function makes, by package. A field counts as set where it gets anything but a
// constant zero. One that is set in an input made elsewhere makes an input of its own.
func eachInput(f *ssa.Function) iter.Seq2[string, input] {
	return func(yield func(string, input) bool) {
		for _, b := range f.Blocks {
			for _, instr := range b.Instrs {
				switch instr := instr.(type) {
				case *ssa.Alloc:
					pkg, name := inputType(instr.Type())
					if name == "" {
						continue
					}
					in := input{name, map[string]bool{}, map[string]bool{}}
					for _, s := range stores(instr) {
						if s.block == instr.Block() {
							in.always[s.field] = true
						} else {
							in.sometimes[s.field] = true
						}
					}
					if !yield(pkg, in) {
						return
					}
				case *ssa.FieldAddr:
					pkg, name := inputType(instr.X.Type())
					if name == "" || origin(instr.X) != nil {
						continue
					}
					for _, s := range storesTo(instr) {
						if !yield(pkg, input{name, map[string]bool{s.field: true}, nil}) {
							return
						}
					}
				}
			}
		}
	}
}

// store is a value put into a field. It is nil where the field's address goes elsewhere.
type store struct {
	field string
	value ssa.Value
	block *ssa.BasicBlock
}

// stores returns what is put into the fields of a value that a function makes.
func stores(made *ssa.Alloc) []store {
	var found []store
	bases := []ssa.Value{made}
	// It may be reached through a local variable that closures share.
	for _, ref := range *made.Referrers() {
		s, ok := ref.(*ssa.Store)
		if !ok || s.Val != ssa.Value(made) {
			continue
		}
		if cell, ok := s.Addr.(*ssa.Alloc); ok {
			for _, ref := range *cell.Referrers() {
				if load, ok := ref.(*ssa.UnOp); ok {
					bases = append(bases, load)
				}
			}
		}
	}
	for _, base := range bases {
		for _, ref := range *base.Referrers() {
			if addr, ok := ref.(*ssa.FieldAddr); ok {
				found = append(found, storesTo(addr)...)
			}
		}
	}
	return found
}

// storesTo returns what is put into one field.
func storesTo(addr *ssa.FieldAddr) []store {
	t := addr.X.Type().Underlying().(*types.Pointer).Elem().Underlying().(*types.Struct)
	field := t.Field(addr.Field).Name()
	var found []store
	for _, ref := range *addr.Referrers() {
		switch ref := ref.(type) {
		case *ssa.Store:
			if ref.Addr == ssa.Value(addr) {
				if c, ok := ref.Val.(*ssa.Const); !ok || c.Value != nil && !zero(c) {
					found = append(found, store{field, ref.Val, ref.Block()})
				}
				continue
			}
			found = append(found, store{field, nil, ref.Block()})
		case *ssa.UnOp, *ssa.DebugRef: // a read
		default:
			found = append(found, store{field, nil, ref.Block()})
		}
	}
	return found
}

// zero reports whether a constant is what the field has anyway.
func zero(c *ssa.Const) bool {
	switch c.Value.ExactString() {
	case `""`, "0", "false":
		return true
	}
	return false
}
