package userdata

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// The forms of the values that go into scripts and units. Each is at most what AWS allows, and less where AWS allows
// what a shell, systemd or JSON gives a meaning to: quoting is the second line of defence, not the first. A leading
// hyphen, which would be read as an option, is in none.
const (
	regionForm    = `[a-z]{2,4}(-[a-z]{2,12}){1,3}-[0-9]{1,2}`
	bucketForm    = `[a-z0-9][a-z0-9.-]+[a-z0-9]`
	keyForm       = `[A-Za-z0-9_][A-Za-z0-9/_.-]*`
	sha256Form    = `[0-9a-f]{64}`
	groupForm     = `[A-Za-z0-9_][A-Za-z0-9_.-]*`
	hookForm      = `[A-Za-z0-9_][A-Za-z0-9_-]*`
	logGroupForm  = `[A-Za-z0-9_/][A-Za-z0-9_/.-]*`
	parameterForm = `(/[A-Za-z0-9_][A-Za-z0-9_.-]*){1,15}`
)

// The most characters of each, as AWS documents them: PutParameter, GetObject, CreateBucket, CreateAutoScalingGroup,
// PutLifecycleHook, CreateLogGroup.
const (
	regionLength    = 32
	bucketLength    = 63
	keyLength       = 1024
	sha256Length    = 64
	groupLength     = 255
	hookLength      = 255
	logGroupLength  = 512
	parameterLength = 1011
)

// faults collects what is wrong with the fields of one value.
type faults struct {
	of   string
	errs []error
}

func (f *faults) add(field, format string, args ...any) {
	f.errs = append(f.errs, fmt.Errorf("user-data: %s.%s %s", f.of, field, fmt.Sprintf(format, args...)))
}

// text refuses a value that is not wholly of the form, or longer than allowed.
func (f *faults) text(field, value, form string, most int, allowed string) {
	ok, err := regexp.MatchString(`\A(?:`+form+`)\z`, value)
	switch {
	case err != nil:
		f.add(field, "cannot be checked: %v", err)
	case len(value) > most:
		f.add(field, "has %d characters; at most %d are allowed", len(value), most)
	case !ok:
		f.add(field, "= %q must be %s", value, allowed)
	}
}

// parameter refuses what is no path or name of Parameter Store.
func (f *faults) parameter(field, value string) {
	f.text(field, value, parameterForm, parameterLength,
		"1 to 15 levels, each a / and letters, digits, dots, hyphens or underscores, such as /dossier/dev")
}

func (f *faults) region(value string) {
	f.text("Region", value, regionForm, regionLength, "an AWS region such as eu-central-1")
}

// duration refuses what is out of bounds, or not in whole seconds, which is what systemd and the script count in.
func (f *faults) duration(field string, value, least, most time.Duration) {
	if value < least || value > most || value%time.Second != 0 {
		f.add(field, "= %v must be whole seconds from %v to %v", value, least, most)
	}
}

func (f *faults) err() error { return errors.Join(f.errs...) }
