package config

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"dossier.example/app/setting"
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
	l := &loader{purpose: o.Purpose, environ: map[string]string{}}
	l.Loader = setting.NewLoader(&Config{purpose: o.Purpose}, l.preset)
	for _, kv := range o.Environ {
		if name, value, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(name, prefix) {
			l.environ[name] = value
		}
	}
	complete := l.gather(ctx, o.Parameters)
	for _, r := range settings() {
		l.Take(r.env, r.Field)
	}
	if complete {
		// Without the parameters, what looks missing or contradictory may not be.
		l.check()
	}
	l.refuseUnknown()
	l.warn()
	if l.Faults != nil {
		return nil, l.warnings, &Error{Heading: setting.Count(len(l.Faults), "invalid setting", "invalid settings"),
			Faults: l.Faults}
	}
	l.Config.inForce = l.inForce()
	return l.Config, l.warnings, nil
}

// inForce returns the settings that the command reads, as they were written: a size in units says more than in bytes.
func (l *loader) inForce() (all []InForce) {
	for _, r := range settings() {
		if !l.wants(r.env) {
			continue
		}
		value, given := l.Given[r.env]
		if !given {
			value = l.preset(r.env)
		}
		if r.Secret && value.Text != "" {
			value.Text = setting.Hidden
		}
		all = append(all, InForce{Name: r.env, Value: value.Text, Source: value.Source, Meaning: r.doc,
			Default: !given})
	}
	return all
}

// loader is the state of one Load. What is given to it are the values that are not defaults, of the settings wanted.
type loader struct {
	setting.Loader[Config]
	purpose Purpose
	// environ holds the variables DOSSIER_*.
	environ map[string]string
	// path is the value of DOSSIER_PARAMETERS; empty when not set or not usable.
	path     string
	warnings []Warning
}

// preset returns the default of a setting.
func (l *loader) preset(env string) setting.Value {
	r := l.row(env)
	text := r.preset
	if r.presetInAWS != "" && l.path != "" {
		text = r.presetInAWS
	}
	return setting.Value{Text: text, Shown: printable(text), Source: "default"}
}

// give takes the value of a setting from a source.
func (l *loader) give(r row, value, source string) {
	if !r.Secret {
		// White space around a value is never meant. A secret stays as it is, so that its parser can refuse such white
		// space instead of guessing.
		value = strings.TrimSpace(value)
	}
	if value == "" {
		return
	}
	shown := printable(value)
	if r.Secret {
		shown = setting.Hidden
	}
	l.Given[r.env] = setting.Value{Text: value, Shown: shown, Source: source}
}

// gather collects the values of the settings wanted, and reports whether it could ask everybody.
func (l *loader) gather(ctx context.Context, parameters Parameters) (complete bool) {
	complete = true
	names := map[string]row{}
	for _, s := range settings() {
		if s.parameter != "" && s.purposes&l.purpose != 0 {
			names[s.parameter] = s
		}
	}
	if raw := strings.TrimSpace(l.environ[parametersEnv]); raw != "" && len(names) > 0 {
		path, err := parameterPath().Parse(raw)
		if err != nil {
			complete = false // Take tells the fault, as for every other setting.
		} else {
			l.path = path
			complete = l.fetch(ctx, parameters, names)
		}
	}
	for _, s := range settings() {
		if s.purposes&l.purpose != 0 {
			l.give(s, l.environ[s.env], "environment")
		}
	}
	return complete
}

// fetch asks for the parameters of the settings in names, which are keyed by their names below the path.
func (l *loader) fetch(ctx context.Context, parameters Parameters, names map[string]row) bool {
	failed := func(problem string, err error) bool {
		l.Fault(Fault{Name: parametersEnv, Value: printable(l.path), Source: "environment", Problem: problem, Err: err})
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
		l.give(s, found[full], "Parameter Store "+full)
	}
	return true
}

// row returns the row of a variable.
func (l *loader) row(env string) row { return *byName()[env] }

// missing refuses that a setting is not given.
func (l *loader) missing(env, why string) {
	s := l.row(env)
	mend := "set it"
	if l.path != "" && s.parameter != "" {
		mend = "set it, or the parameter " + l.path + "/" + s.parameter
	}
	l.Fault(l.FaultOf(env, fmt.Sprintf("%s (must be %s); %s", why, s.Allowed, mend)))
}

// wants reports whether the command reads the setting.
func (l *loader) wants(env string) bool { return byName()[env].purposes&l.purpose != 0 }

// sound reports whether a rule over several settings can be applied: all are read and none is faulty by itself.
func (l *loader) sound(envs ...string) bool {
	return !slices.ContainsFunc(envs, func(env string) bool { return l.Bad[env] || !l.wants(env) })
}

// check applies the rules that concern several settings.
func (l *loader) check() {
	c := l.Config
	if l.IsGiven("DOSSIER_DB_HOST") && !l.IsGiven("DOSSIER_DB_PASSWORD") {
		l.missing("DOSSIER_DB_PASSWORD", "needed because DOSSIER_DB_HOST is set")
	}
	if l.sound("DOSSIER_DB_TLS", "DOSSIER_DB_CA_FILE") && c.People.TLS == TLSOff && c.People.CAFile != "" {
		l.Fault(l.FaultOf("DOSSIER_DB_CA_FILE", fmt.Sprintf("contradicts DOSSIER_DB_TLS = %q; unset one of the two",
			c.People.TLS)))
	}
	if l.wants("DOSSIER_DB_ADMIN_USER") {
		const user, password = "DOSSIER_DB_ADMIN_USER", "DOSSIER_DB_ADMIN_PASSWORD"
		switch {
		case l.IsGiven(user) && !l.IsGiven(password):
			l.missing(password, "needed because "+user+" is set")
		case l.IsGiven(password) && !l.IsGiven(user):
			l.missing(user, "needed because "+password+" is set")
		case l.IsGiven(user) && l.sound(user, "DOSSIER_DB_USER") && c.People.AdminUser == c.People.User:
			l.Fault(l.FaultOf(user, fmt.Sprintf("must differ from DOSSIER_DB_USER = %q, whose privileges are reduced "+
				"to those that the app needs", c.People.User)))
		}
	}
	if prune := "DOSSIER_DB_ADMIN_PRUNE_USER"; l.wants(prune) && l.IsGiven("DOSSIER_DB_ADMIN_PRUNE_PASSWORD") &&
		l.sound(prune, "DOSSIER_DB_USER", "DOSSIER_DB_ADMIN_USER") &&
		(c.People.PruneUser == c.People.User || c.People.PruneUser == c.People.AdminUser) {
		l.Fault(l.FaultOf(prune, "must differ from DOSSIER_DB_USER and DOSSIER_DB_ADMIN_USER, whose privileges are "+
			"others"))
	}
	if l.wants("DOSSIER_STAFF_SECRET") && !l.IsGiven("DOSSIER_STAFF_SECRET") {
		for _, store := range storeSettings {
			if l.IsGiven(store) {
				l.missing("DOSSIER_STAFF_SECRET",
					"needed because "+store+" is set: all instances must share one secret")
				break
			}
		}
	}
	l.checkIssuer()
	if l.sound("DOSSIER_SCANNER") && c.Scan.Scanner == ScannerGuardDuty && !l.IsGiven("DOSSIER_BUCKET") {
		l.Fault(l.FaultOf("DOSSIER_SCANNER", "needs DOSSIER_BUCKET: GuardDuty scans objects in S3, but without it "+
			"files are stored in a folder; set DOSSIER_BUCKET, or another DOSSIER_SCANNER"))
	}
	if l.sound("DOSSIER_RECONCILE_AGE", "DOSSIER_TIMEOUT_UPLOAD") && c.Reconcile.Age <= c.Timeouts.Upload {
		upload := l.FaultOf("DOSSIER_TIMEOUT_UPLOAD", "")
		l.Fault(l.FaultOf("DOSSIER_RECONCILE_AGE",
			fmt.Sprintf("must exceed %s = %s (%s), or reconciliation would remove uploads that are still running",
				upload.Name, upload.Value, upload.Source)))
	}
}

// storeSettings decide where the three stores are.
var storeSettings = [...]string{"DOSSIER_DB_HOST", "DOSSIER_BUCKET", "DOSSIER_TABLE"}

// refuseUnknown refuses the variables that are no setting. Their values stay hidden: the name that was meant may be a
// secret's.
func (l *loader) refuseUnknown() {
	var unknown []string
	for name := range l.environ {
		if !strings.HasPrefix(name, testPrefix) && !strings.HasPrefix(name, clientPrefix) && byName()[name] == nil {
			unknown = append(unknown, name)
		}
	}
	if unknown == nil {
		return
	}
	slices.Sort(unknown)
	var known []string
	for _, s := range settings() {
		known = append(known, s.env)
	}
	for _, name := range unknown {
		problem := "unknown setting; unset it"
		if near := setting.Nearest(name, known); near != nil {
			problem = "unknown setting; did you mean " + setting.Alternatives(near) + "?"
		}
		l.Fault(Fault{Name: name, Value: setting.Hidden, Source: "environment", Problem: problem})
	}
}

// warn collects what is allowed but seldom meant.
func (l *loader) warn() {
	add := func(name, format string, args ...any) {
		l.warnings = append(l.warnings, Warning{name, fmt.Sprintf(format, args...)})
	}
	for _, s := range settings() {
		if s.purposes == Migrate && l.purpose != Migrate && l.environ[s.env] != "" {
			add(s.env, "only migrate reads this; keep the administrator's credentials out of the environment of %s",
				l.purpose)
		}
	}
	if l.Faults != nil {
		return // What follows speaks of a Config that is in force.
	}
	var embedded, shared []string
	for _, store := range storeSettings {
		switch {
		case !l.wants(store):
		case l.IsGiven(store):
			shared = append(shared, store)
		default:
			embedded = append(embedded, store)
		}
	}
	switch {
	case len(embedded) > 0 && l.path != "":
		for _, store := range embedded {
			add(store, "set neither here nor as %s/%s, so this store is embedded in %s", l.path,
				l.row(store).parameter, l.Config.Data)
		}
	case len(embedded) > 0 && len(shared) > 0:
		for _, store := range embedded {
			add(store, "not set, so this store is embedded in %s, although %s is set", l.Config.Data,
				strings.Join(shared, " and "))
		}
	}
	if db := l.Config.People; !db.Embedded() && db.TLS == TLSOff && !isLoopback(db.Host) {
		add("DOSSIER_DB_TLS", "people's details are sent to %s unencrypted", db.Host)
	}
	if host, _, err := net.SplitHostPort(l.Config.HTTP.Listen); l.purpose == Serve && err == nil &&
		!isLoopback(host) && !l.Config.HTTP.SecureCookies() {
		if l.Config.HTTP.PublicURL == "" {
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
