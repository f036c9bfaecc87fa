// Package schema renders the script that updates the database's schema to the current release. The jump server runs it,
// over SSH or by Systems Manager: the text is the same.
//
// The script names no release: which one is the present stands in a parameter, so that its text, and with it the
// resource that runs it, does not change with each release but only when something about the place changes. The program
// of the stack imports this package.
package schema

import (
	_ "embed" // for the script
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// Script is what the script is told. None of it is secret.
type Script struct {
	// Region is the AWS region of the bucket and the parameters.
	Region string
	// Bucket holds the releases.
	Bucket string
	// Parameters is the Parameter Store path of the app's settings, such as /dossier/dev. The app reads the
	// administrator's password and its own below it.
	Parameters string
	// ReleaseParameter is the full name of the parameter that holds "<key> <sha256>" of the present release.
	ReleaseParameter string
	// Wait is for how long the script waits for a database that does not answer, and before that for another run on the
	// same host: whole seconds, up to MaxWait.
	Wait time.Duration
}

// MaxWait bounds Script.Wait. A new database takes a quarter of an hour.
const MaxWait = time.Hour

// work is the time for what is not waiting: fetching the release and applying the migrations.
const work = 5 * time.Minute

// Limit is how long the script takes at most: it ends itself then. Who runs it should give it a little more.
func (s Script) Limit() time.Duration { return 2*s.Wait + work }

//go:embed schema.bash
var text string

// Render returns the script, for bash 4.4 or newer. The error tells every field that is not of the form that its
// comment and AWS allow.
func (s Script) Render() (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	t, err := template.New("schema.bash").Option("missingkey=error").Funcs(template.FuncMap{"quote": quote,
		"seconds": seconds}).Parse(text)
	if err != nil {
		return "", fmt.Errorf("reading the schema script's template: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, s); err != nil {
		return "", fmt.Errorf("rendering the schema script: %w", err)
	}
	return b.String(), nil
}

// The forms of the fields: at most what AWS allows, and less where AWS allows what a shell gives a meaning to.
const (
	regionForm    = `[a-z]{2,4}(-[a-z]{2,12}){1,3}-[0-9]{1,2}`
	bucketForm    = `[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`
	parameterForm = `(/[A-Za-z0-9_][A-Za-z0-9_.-]*)`
)

// parameterLength is the most characters of a parameter's name
// (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html).
const parameterLength = 1011

func (s Script) check() error {
	var errs []error
	text := func(field, value, form, allowed string) {
		if ok, err := regexp.MatchString(`\A(?:`+form+`)\z`, value); err != nil || !ok || len(value) > parameterLength {
			errs = append(errs, fmt.Errorf("schema: Script.%s = %q must be %s", field, value, allowed))
		}
	}
	text("Region", s.Region, regionForm, "an AWS region such as eu-central-1")
	text("Bucket", s.Bucket, bucketForm, "an S3 bucket name: 3 to 63 lower-case letters, digits, dots and hyphens")
	text("Parameters", s.Parameters, parameterForm+"{1,12}",
		"a Parameter Store path of 1 to 12 levels, such as /dossier/dev")
	text("ReleaseParameter", s.ReleaseParameter, parameterForm+"{1,15}",
		"the full name of a parameter, such as /dossier/dev/release")
	if s.Wait < time.Second || s.Wait > MaxWait || s.Wait%time.Second != 0 {
		errs = append(errs, fmt.Errorf("schema: Script.Wait = %v must be whole seconds from 1s to %v", s.Wait, MaxWait))
	}
	return errors.Join(errs...)
}

// quote returns a text as one word of a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
