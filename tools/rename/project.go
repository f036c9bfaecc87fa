package main

import (
	"errors"
	"fmt"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// project is what distinguishes one project from another.
type project struct {
	// name is the one that programs use: "acme" for the package, the command and its folder, resources, users and
	// databases, and in capitals for variables.
	name string
	// module begins the paths of the Go modules: "github.com/acme/files" of github.com/acme/files/app.
	module string
	// title is what people read in pages and documents: "Acme".
	title string
}

// capital returns the name as identifiers have it: "Acme".
func capital(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// limits are the services' limits on names that begin with the project's, each with the longest such name of the stack.
// Where Pulumi makes a name unique, it appends a hyphen and seven digits.
var limits = []struct {
	what   string
	suffix string
	most   int
}{
	// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
	{"the administrator of an RDS database", "_admin", 16},
	// infra/settings leaves 52 characters to the stack's name.
	{"a database on RDS", "-" + strings.Repeat("s", 52), 63},
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
	{"a load balancer or target group", "-site-0123456", 32},
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	{"an S3 bucket", "-storage-releases-0123456", 63},
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	{"an IAM role", "-network-flow-0123456", 64},
	// https://dev.mysql.com/doc/refman/8.4/en/user-names.html; the stack numbers its users.
	{"a MySQL user", "_99", 32},
	// useradd(8)
	{"a Linux user", "", 32},
}

// longest returns how long a name may be, and the limit that decides it.
func longest() (letters int, because string) {
	letters = 64
	for _, l := range limits {
		if left := l.most - len(l.suffix); left < letters {
			letters, because = left, fmt.Sprintf("%s, <name>%s, has at most %d", l.what, l.suffix, l.most)
		}
	}
	return letters, because
}

// reserved are names that already mean something where the project's is used. Words that the repository uses are
// refused anyway.
var reserved = map[string][]string{
	"is a user or a service of Amazon Linux": {
		"adm", "bin", "chrony", "chronyd", "crond", "daemon", "dbus", "ftp", "games", "halt", "lp", "mail", "nobody",
		"ntp", "operator", "polkit", "polkitd", "postfix", "root", "rpc", "rpcuser", "rsyslog", "shutdown", "sshd",
		"sync", "systemd", "tss", "wheel",
	},
	"is MySQL's or RDS's own":                 {"mysql", "performance", "rds", "rdsadmin", "sys"},
	"has a meaning to Go":                     {"cgo", "init", "internal", "main", "testdata", "unsafe", "vendor"},
	"cannot be the name of a file on Windows": {"aux", "con", "nul", "prn"},
	"begins names that AWS reserves":          {"sg", "sthree"},
}

const example = "make new NAME=acme MODULE=github.com/acme/files"

var (
	nameForm  = regexp.MustCompile(`\A[a-z][a-z0-9]{2,}\z`)
	titleForm = regexp.MustCompile(`\A[A-Z][A-Za-z0-9]*([ -][A-Za-z0-9]+)*\z`)
)

// maxTitle keeps the title on one line of a page's head.
const maxTitle = 40

// check returns everything that is wrong with a new project's names.
func (p project) check(t *tree) error {
	if p.name == "" || p.module == "" {
		return errors.New("NAME and MODULE are needed: " + example)
	}
	return errors.Join(p.checkName(t), p.checkModule(t), p.checkTitle(t))
}

func (p project) checkName(t *tree) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("NAME=%s: %s", p.name, fmt.Sprintf(format, args...))
	}
	most, because := longest()
	switch {
	case !nameForm.MatchString(p.name):
		return bad("must be three or more lower-case letters and digits, a letter first, because Go packages, MySQL "+
			"users and environment variables have it too, which take no hyphen; choose another such as NAME=acme, and "+
			"set what people read with TITLE=%q", "Acme Files")
	case len(p.name) > most:
		return bad("has %d characters, and at most %d are allowed: %s; choose a shorter one", len(p.name), most,
			because)
	case p.name == t.project.name:
		return nil
	case token.IsKeyword(p.name) || types.Universe.Lookup(p.name) != nil:
		return bad("is a keyword or predeclared in Go, where a package gets this name; choose another")
	case strings.HasPrefix(p.name, "aws"), strings.HasPrefix(p.name, "ssm"):
		return bad("must not begin with aws or ssm, which Parameter Store reserves; choose another")
	}
	for why, names := range reserved {
		if slices.Contains(names, p.name) {
			return bad("%s; choose another", why)
		}
	}
	if where := t.find(wordsOf(project{name: p.name}, nil)); where != "" {
		return bad("the repository already uses this word (%s), so the two could not be told apart; choose another",
			where)
	}
	return nil
}

func (p project) checkModule(t *tree) error {
	if err := module.CheckPath(p.module + "/app"); err != nil {
		var invalid *module.InvalidPathError
		if errors.As(err, &invalid) {
			err = invalid.Err
		}
		return fmt.Errorf("MODULE=%s: not a valid module path (%w); set it to the repository's address without "+
			"https://, such as MODULE=github.com/acme/files", p.module, err)
	}
	if _, major, ok := module.SplitPathVersion(p.module); !ok || major != "" {
		return fmt.Errorf("MODULE=%s: ends in a version, which only the full path of a module may do; leave it out",
			p.module)
	}
	if p.module == t.project.module {
		return nil
	}
	if where := t.find(wordsOf(project{module: p.module}, t.rooms)); where != "" {
		return fmt.Errorf("MODULE=%s: the repository already uses this path for something else (%s); choose another",
			p.module, where)
	}
	return nil
}

func (p project) checkTitle(t *tree) error {
	switch {
	case p.title == capital(p.name): // The name is checked.
		return nil
	case !titleForm.MatchString(p.title) || len(p.title) > maxTitle:
		return fmt.Errorf("TITLE=%q: must be at most %d ASCII letters and digits, with single spaces or hyphens "+
			"between words and a capital letter first, because pages, YAML and systemd units hold it unquoted; choose "+
			"another such as TITLE=%q", p.title, maxTitle, "Acme Files")
	case p.title == t.project.title:
		return nil
	}
	if where := t.find(wordsOf(project{title: p.title}, nil)); where != "" {
		return fmt.Errorf("TITLE=%q: the repository already has it (%s), so the two could not be told apart; choose "+
			"another", p.title, where)
	}
	return nil
}
