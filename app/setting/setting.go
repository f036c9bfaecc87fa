// Package setting is what the settings of the app (package config) and those of a stack (infra/settings) have in
// common: kinds of values, the binding of a value to a field, and an error that lists all faults at once. It imports
// the standard library alone, so that the stack's program needs no other module for it.
package setting

// Kind is how the values of a setting are read and shown.
type Kind[T any] struct {
	// Allowed continues "must be".
	Allowed string
	// List reports that a list is accepted too; Parse gets its items with a comma between.
	List bool
	// Secret reports that no value is ever shown.
	Secret bool
	// Parse returns ErrNot where Allowed says all there is to say, or an error whose text says more. The text shows
	// nothing of a value that may be secret.
	Parse func(string) (T, error)
	// Format returns a value as Parse accepts it, or as a log may show it.
	Format func(T) string
}

// Field is a field of a configuration C, with how its values are read and shown.
type Field[C any] struct {
	// Allowed, List and Secret are those of the kind.
	Allowed      string
	List, Secret bool
	// Set parses a value into the field. The error's text, which may be empty, adds to Allowed.
	Set func(*C, string) error
	// Get returns the field's value by the kind's Format.
	Get func(*C) string
}

// Bind makes the field that of returns hold values of a kind.
func Bind[C, T any](k Kind[T], of func(*C) *T) Field[C] {
	return Field[C]{
		Allowed: k.Allowed, List: k.List, Secret: k.Secret,
		Set: func(c *C, text string) error {
			v, err := k.Parse(text)
			if err == nil {
				*of(c) = v
			}
			return err
		},
		Get: func(c *C) string { return k.Format(*of(c)) },
	}
}

// Value is a value of a setting, and where it came from.
type Value struct {
	// Text is the value as it is parsed, Shown as a message shows it.
	Text, Shown string
	// Source says where it came from.
	Source string
}

// Loader is the state of one load: what is given, what becomes of it, and what is wrong with it.
type Loader[C any] struct {
	Config *C
	// Given holds, by name, what is set.
	Given map[string]Value
	// Default returns what applies to a setting that is not given; no text: nothing.
	Default func(name string) Value
	// Bad are the settings whose value is not what was meant. Rules over several settings leave them alone.
	Bad    map[string]bool
	Faults []Fault
}

// NewLoader returns a loader to which nothing is given.
func NewLoader[C any](config *C, otherwise func(name string) Value) Loader[C] {
	return Loader[C]{Config: config, Default: otherwise, Given: map[string]Value{}, Bad: map[string]bool{}}
}

// Take sets a field to what is given, otherwise to its default, unless the setting is already known to be bad.
func (l *Loader[C]) Take(name string, f Field[C]) {
	v, given := l.Given[name]
	if !given {
		v = l.Default(name)
	}
	if l.Bad[name] || !given && v.Text == "" {
		return
	}
	if err := f.Set(l.Config, v.Text); err != nil {
		detail := err.Error()
		if v.Shown == Hidden {
			detail = ""
		}
		l.Wrong(name, f, detail)
	}
}

// Wrong refuses the value that a setting has now.
func (l *Loader[C]) Wrong(name string, f Field[C], detail string) {
	l.Bad[name] = true
	problem := "must be " + f.Allowed
	if detail != "" {
		problem += "; " + detail
	}
	l.Fault(l.FaultOf(name, problem))
}

// IsGiven reports whether a setting was given a value, good or bad.
func (l *Loader[C]) IsGiven(name string) bool { _, ok := l.Given[name]; return ok }

// Fault adds a fault.
func (l *Loader[C]) Fault(f Fault) { l.Faults = append(l.Faults, f) }

// FaultOf describes a fault in the value that a setting has now.
func (l *Loader[C]) FaultOf(name, problem string) Fault {
	v, given := l.Given[name]
	if !given {
		if v = l.Default(name); v.Text == "" {
			return Fault{Name: name, Problem: problem}
		}
	}
	return Fault{Name: name, Value: v.Shown, Source: v.Source, Problem: problem}
}
