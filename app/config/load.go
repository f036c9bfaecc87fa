package config

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Parameters reads parameters by their full names. Those that do not exist are absent from the answer. An error names
// no value.
type Parameters interface {
	Parameters(ctx context.Context, names []string) (map[string]string, error)
}

// Options is what Load reads from.
type Options struct {
	// Environ is the environment in the form of os.Environ. Nil is an empty environment.
	Environ []string
	// Purpose is the one command that the settings are for.
	Purpose Purpose
	// Parameters is asked when DOSSIER_PARAMETERS is set. Default: Parameter Store, as the SDK's own variables say.
	Parameters Parameters
}

// Load reads, parses and checks the settings of one command. The error is an *Error that holds all faults at once; the
// warnings are there in either case.
func Load(ctx context.Context, o Options) (*Config, []Warning, error) {
	if !slices.Contains([]Purpose{Serve, Migrate, Reconcile, Healthcheck}, o.Purpose) {
		return nil, nil, errors.New("config: Options.Purpose must be one of the purposes")
	}
	l := &loader{
		purpose: o.Purpose,
		config:  &Config{purpose: o.Purpose},
		table:   settings(),
		environ: map[string]string{},
		given:   map[string]given{},
		bad:     map[string]bool{},
	}
	for _, kv := range o.Environ {
		if name, value, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(name, prefix) {
			l.environ[name] = value
		}
	}
	complete := l.gather(ctx, o.Parameters)
	l.parse()
	if complete {
		// Without the parameters, what looks missing or contradictory may not be.
		l.check()
	}
	l.refuseUnknown()
	l.warn()
	if l.faults != nil {
		return nil, l.warnings, &Error{Faults: l.faults}
	}
	return l.config, l.warnings, nil
}

// loader is the state of one Load.
type loader struct {
	purpose Purpose
	config  *Config
	table   []setting
	// environ holds the variables DOSSIER_*.
	environ map[string]string
	// path is the value of DOSSIER_PARAMETERS; empty when not set or not usable.
	path string
	// given holds, by variable, the values that are not defaults, of the settings wanted.
	given    map[string]given
	bad      map[string]bool
	faults   []Fault
	warnings []Warning
}

// given is a value and where it came from.
type given struct{ value, source string }

// clean prepares a value for parsing: white space around it is never meant. A secret stays as it is, so that its parser
// can refuse such white space instead of guessing.
func clean(s setting, value string) string {
	if s.secret {
		return value
	}
	return strings.TrimSpace(value)
}

// gather collects the values of the settings wanted, and reports whether it could ask everybody.
func (l *loader) gather(ctx context.Context, parameters Parameters) (complete bool) {
	complete = true
	names := map[string]setting{}
	for _, s := range l.table {
		if s.parameter != "" && s.purposes&l.purpose != 0 {
			names[s.parameter] = s
		}
	}
	if raw := strings.TrimSpace(l.environ[parametersEnv]); raw != "" && len(names) > 0 {
		path, err := parameterPath().parse(raw)
		if err != nil {
			complete = false // parse tells the fault, as for every other setting.
		} else {
			l.path = path
			complete = l.fetch(ctx, parameters, names)
		}
	}
	for _, s := range l.table {
		if value := clean(s, l.environ[s.env]); value != "" && s.purposes&l.purpose != 0 {
			l.given[s.env] = given{value, "environment"}
		}
	}
	return complete
}

// fetch asks for the parameters of the settings in names, which are keyed by their names below the path.
func (l *loader) fetch(ctx context.Context, parameters Parameters, names map[string]setting) bool {
	failed := func(problem string, err error) bool {
		l.fault(Fault{Name: parametersEnv, Value: printable(l.path), Source: "environment", Problem: problem, Err: err})
		return false
	}
	if parameters == nil {
		store, err := openParameterStore(ctx)
		if err != nil {
			return failed(err.Error(), err)
		}
		parameters = store
	}
	found, err := parameters.Parameters(ctx, ParameterNames(l.path, l.purpose))
	if err != nil {
		return failed(err.Error(), err)
	}
	if len(found) == 0 {
		// A misspelt path would otherwise start an app that keeps what it is given on a disk that is thrown away.
		return failed("no parameters exist below this path; check the path, the account and the region "+
			"(AWS_REGION), and that "+
			"the stack's parameters were created", nil)
	}
	for name, s := range names {
		full := l.path + "/" + name
		if value := clean(s, found[full]); value != "" {
			l.given[s.env] = given{value, "Parameter Store " + full}
		}
	}
	return true
}

// parse sets every field of the Config: wanted settings to what was given, all others to their defaults.
func (l *loader) parse() {
	for _, s := range l.table {
		g, ok := l.given[s.env]
		if !ok {
			g = given{s.preset, "default"}
			if s.presetInAWS != "" && l.path != "" {
				g.value = s.presetInAWS
			}
			if g.value == "" {
				continue
			}
		}
		if err := s.set(l.config, g.value); err != nil {
			l.bad[s.env] = true
			f := l.faultOf(s.env, "must be "+s.allowed)
			if detail := err.Error(); detail != "" && f.Value != hidden {
				f.Problem += "; " + detail
			}
			l.fault(f)
		}
	}
}

func (l *loader) fault(f Fault) { l.faults = append(l.faults, f) }

// setting returns the row of a variable.
func (l *loader) setting(env string) setting {
	i := slices.IndexFunc(l.table, func(s setting) bool { return s.env == env })
	return l.table[i]
}

// faultOf describes a fault in the value that a setting has now.
func (l *loader) faultOf(env, problem string) Fault {
	s := l.setting(env)
	f := Fault{Name: env, Problem: problem}
	if g, ok := l.given[env]; ok {
		f.Value, f.Source = printable(g.value), g.source
		if s.secret {
			f.Value = hidden
		}
	} else if s.preset != "" {
		f.Value, f.Source = printable(s.preset), "default"
	}
	return f
}

// missing refuses that a setting is not given.
func (l *loader) missing(env, why string) {
	s := l.setting(env)
	mend := "set it"
	if l.path != "" && s.parameter != "" {
		mend = "set it, or the parameter " + l.path + "/" + s.parameter
	}
	l.fault(l.faultOf(env, fmt.Sprintf("%s (must be %s); %s", why, s.allowed, mend)))
}

// has reports whether a setting was given a value, good or bad.
func (l *loader) has(env string) bool { _, ok := l.given[env]; return ok }

// wants reports whether the command reads the setting.
func (l *loader) wants(env string) bool { return l.setting(env).purposes&l.purpose != 0 }

// sound reports whether a rule over several settings can be applied: all are read and none is faulty by itself.
func (l *loader) sound(envs ...string) bool {
	return !slices.ContainsFunc(envs, func(env string) bool { return l.bad[env] || !l.wants(env) })
}

// check applies the rules that concern several settings.
func (l *loader) check() {
	c := l.config
	if l.has("DOSSIER_DB_HOST") && !l.has("DOSSIER_DB_PASSWORD") {
		l.missing("DOSSIER_DB_PASSWORD", "needed because DOSSIER_DB_HOST is set")
	}
	if l.sound("DOSSIER_DB_TLS", "DOSSIER_DB_CA_FILE") && c.People.TLS == TLSOff && c.People.CAFile != "" {
		l.fault(l.faultOf("DOSSIER_DB_CA_FILE", fmt.Sprintf("contradicts DOSSIER_DB_TLS = %q; unset one of the two",
			c.People.TLS)))
	}
	if l.wants("DOSSIER_DB_ADMIN_USER") {
		const user, password = "DOSSIER_DB_ADMIN_USER", "DOSSIER_DB_ADMIN_PASSWORD"
		switch {
		case l.has(user) && !l.has(password):
			l.missing(password, "needed because "+user+" is set")
		case l.has(password) && !l.has(user):
			l.missing(user, "needed because "+password+" is set")
		case l.has(user) && l.sound(user, "DOSSIER_DB_USER") && c.People.AdminUser == c.People.User:
			l.fault(l.faultOf(user, fmt.Sprintf("must differ from DOSSIER_DB_USER = %q, whose privileges are reduced "+
				"to those that the app needs", c.People.User)))
		}
	}
	if l.wants("DOSSIER_STAFF_SECRET") && !l.has("DOSSIER_STAFF_SECRET") {
		for _, store := range storeSettings {
			if l.has(store) {
				l.missing("DOSSIER_STAFF_SECRET",
					"needed because "+store+" is set: all instances must share one secret")
				break
			}
		}
	}
	if l.sound("DOSSIER_SCANNER") && c.Scan.Scanner == ScannerGuardDuty && !l.has("DOSSIER_BUCKET") {
		l.fault(l.faultOf("DOSSIER_SCANNER", "needs DOSSIER_BUCKET: GuardDuty scans objects in S3, but without it "+
			"files are stored in a folder; set DOSSIER_BUCKET, or another DOSSIER_SCANNER"))
	}
	if l.sound("DOSSIER_RECONCILE_AGE", "DOSSIER_TIMEOUT_UPLOAD") && c.Reconcile.Age <= c.Timeouts.Upload {
		upload := l.faultOf("DOSSIER_TIMEOUT_UPLOAD", "")
		l.fault(l.faultOf("DOSSIER_RECONCILE_AGE",
			fmt.Sprintf("must exceed %s = %s (%s), or reconciliation would remove uploads that are still running",
				upload.Name, upload.Value, upload.Source)))
	}
}

// storeSettings decide where the three stores are.
var storeSettings = [...]string{"DOSSIER_DB_HOST", "DOSSIER_BUCKET", "DOSSIER_TABLE"}

// refuseUnknown refuses the variables that are no setting. Their values stay hidden: the name that was meant may be a
// secret's.
func (l *loader) refuseUnknown() {
	known := make([]string, len(l.table))
	for i, s := range l.table {
		known[i] = s.env
	}
	var unknown []string
	for name := range l.environ {
		if !strings.HasPrefix(name, testPrefix) && !strings.HasPrefix(name, clientPrefix) &&
			!slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		problem := "unknown setting; unset it"
		if near := nearest(name, known); near != "" {
			problem = "unknown setting; did you mean " + near + "?"
		}
		l.fault(Fault{Name: name, Value: hidden, Source: "environment", Problem: problem})
	}
}

// warn collects what is allowed but seldom meant.
func (l *loader) warn() {
	add := func(name, format string, args ...any) {
		l.warnings = append(l.warnings, Warning{name, fmt.Sprintf(format, args...)})
	}
	for _, s := range l.table {
		if s.purposes == Migrate && l.purpose != Migrate && l.environ[s.env] != "" {
			add(s.env, "only migrate reads this; keep the administrator's credentials out of the environment of %s",
				l.purpose)
		}
	}
	if l.faults != nil {
		return // What follows speaks of a Config that is in force.
	}
	var embedded, shared []string
	for _, store := range storeSettings {
		switch {
		case !l.wants(store):
		case l.has(store):
			shared = append(shared, store)
		default:
			embedded = append(embedded, store)
		}
	}
	switch {
	case len(embedded) > 0 && l.path != "":
		for _, store := range embedded {
			add(store, "set neither here nor as %s/%s, so this store is embedded in %s", l.path,
				l.setting(store).parameter, l.config.Data)
		}
	case len(embedded) > 0 && len(shared) > 0:
		for _, store := range embedded {
			add(store, "not set, so this store is embedded in %s, although %s is set", l.config.Data,
				strings.Join(shared, " and "))
		}
	}
	if db := l.config.People; !db.Embedded() && db.TLS == TLSOff && !isLoopback(db.Host) {
		add("DOSSIER_DB_TLS", "people's details are sent to %s unencrypted", db.Host)
	}
	if host, _, err := net.SplitHostPort(l.config.HTTP.Listen); l.purpose == Serve && err == nil &&
		!isLoopback(host) && !l.config.HTTP.SecureCookies() {
		if l.config.HTTP.PublicURL == "" {
			add("DOSSIER_PUBLIC_URL", "not set although others can reach the server: private links begin with whatever "+
				"address each browser used, and sessions travel unencrypted")
		} else {
			add("DOSSIER_PUBLIC_URL", "not an https origin although others can reach the server: sessions travel "+
				"unencrypted")
		}
	}
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}
