package rollout

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The environment variables that stand in for flags; a flag goes first, and an empty variable is one that is not set.
const (
	EnvGroup         = "DOSSIER_ROLLOUT_GROUP"
	EnvTemplate      = "DOSSIER_ROLLOUT_TEMPLATE"
	EnvVersion       = "DOSSIER_ROLLOUT_VERSION"
	EnvTargetGroup   = "DOSSIER_ROLLOUT_TARGET_GROUP"
	EnvURL           = "DOSSIER_ROLLOUT_URL"
	EnvAlarms        = "DOSSIER_ROLLOUT_ALARMS"
	EnvMinHealthy    = "DOSSIER_ROLLOUT_MIN_HEALTHY"
	EnvMaxHealthy    = "DOSSIER_ROLLOUT_MAX_HEALTHY"
	EnvWarmup        = "DOSSIER_ROLLOUT_WARMUP"
	EnvBake          = "DOSSIER_ROLLOUT_BAKE"
	EnvTimeout       = "DOSSIER_ROLLOUT_TIMEOUT"
	EnvRegion        = "DOSSIER_ROLLOUT_REGION"
	EnvJSON          = "DOSSIER_ROLLOUT_JSON"
	EnvCheck         = "DOSSIER_ROLLOUT_CHECK"
	EnvCancelRunning = "DOSSIER_ROLLOUT_CANCEL_RUNNING"
	EnvReleases      = "DOSSIER_ROLLOUT_RELEASES"
	EnvKeep          = "DOSSIER_ROLLOUT_KEEP"
)

const envPrefix = "DOSSIER_ROLLOUT_"

// The limits of RefreshPreferences and AlarmSpecification.
const (
	maxAlarms  = 10
	maxName    = 255
	maxBake    = 172800 * time.Second
	maxTimeout = 14 * 24 * time.Hour // after which Auto Scaling itself gives a refresh up
)

// The limits of --keep. Below a day, a release that is uploaded for a version still to come could go.
const (
	minKeep = 24 * time.Hour
	maxKeep = 3650 * 24 * time.Hour
)

// The limits of a bucket's name (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

const (
	defaultTimeout      = 60 * time.Minute
	defaultCheckTimeout = 2 * time.Minute
)

// options is what the command was asked to do; parse returns only values that were checked.
type options struct {
	rollback bool

	group         string
	want          pin
	targetARN     string
	site          *url.URL // of /readyz; nil: not asked
	alarms        []string
	minHealthy    int32
	maxHealthy    int32
	warmup        time.Duration
	bake          time.Duration
	timeout       time.Duration
	region        string // empty: what the SDK finds
	json          bool
	check         bool
	cancelRunning bool
	bucket        string // of releases; empty: nothing is pruned
	keep          time.Duration
}

// input is one setting: a flag and its variable.
type input struct {
	flag, env string
	usage     string
	value     string // the default until it is read
	source    string // where the value came from, for messages; empty for the default
	boolean   bool
	rollback  bool // the subcommand rollback takes it too
}

// String, Set and IsBoolFlag make an input a flag.Value. Values are parsed later, all together, so that all faults are
// told at once.
func (i *input) String() string { return i.value }

func (i *input) Set(value string) error {
	i.value, i.source = value, "--"+i.flag
	return nil
}

func (i *input) IsBoolFlag() bool { return i.boolean }

func inputs() []*input {
	return []*input{
		{flag: "group", env: EnvGroup, usage: "name of the Auto Scaling group", rollback: true},
		{flag: "template", env: EnvTemplate, usage: "ID of the launch template, lt-…"},
		{flag: "version", env: EnvVersion, usage: "number of the template's version to roll out"},
		{flag: "target-group", env: EnvTargetGroup,
			usage: "ARN of the target group in which the instances must be healthy"},
		{flag: "url", env: EnvURL,
			usage: "the site, https://… or http://…; its /readyz must return 200; empty: not checked"},
		{flag: "alarms", env: EnvAlarms,
			usage: "names of CloudWatch alarms, comma-separated, at most 10, that stop the refresh and roll it back"},
		{flag: "min-healthy", env: EnvMinHealthy, value: "100",
			usage: "percent of the desired capacity that stays in service, 0 to 100"},
		{flag: "max-healthy", env: EnvMaxHealthy, value: "110",
			usage: "percent of the desired capacity that may run during the refresh, 100 to 200"},
		{flag: "warmup", env: EnvWarmup, value: "60s",
			usage: "how long an instance is in service before the next one is replaced"},
		{flag: "bake", env: EnvBake, value: "0s", usage: "how long the alarms are watched after the last replacement"},
		{flag: "timeout", env: EnvTimeout, usage: "when to stop waiting (default 60m; with --check 2m)",
			rollback: true},
		{flag: "region", env: EnvRegion, usage: "AWS region (default: that of the target group)", rollback: true},
		{flag: "json", env: EnvJSON, value: "false", usage: "print the result as JSON", boolean: true, rollback: true},
		{flag: "check", env: EnvCheck, value: "false", usage: "only verify; start nothing", boolean: true},
		{flag: "cancel-running", env: EnvCancelRunning, value: "false",
			usage: "cancel another running refresh instead of waiting for it to end", boolean: true},
		{flag: "releases", env: EnvReleases,
			usage: "the bucket of releases: afterwards, old ones and old versions of the template are deleted; " +
				"empty: none"},
		{flag: "keep", env: EnvKeep, value: "720h",
			usage: "minimum age of releases and versions before they are deleted, 24h to 87600h"},
	}
}

// usageError is a command line that cannot be used; help is set where help was asked for.
type usageError struct {
	faults []string
	help   string
}

func (e *usageError) Error() string {
	if len(e.faults) == 1 {
		return "invalid command: " + e.faults[0]
	}
	return fmt.Sprintf("%d errors in the command:\n  %s", len(e.faults), strings.Join(e.faults, "\n  "))
}

const usageHead = `usage: rollout [flags]            roll a version of the launch template out, wait, verify
       rollout --check [flags]    only verify that it serves
       rollout rollback [flags]   roll back the refresh that is running

Each flag can also be given as a variable of the environment; the flag goes first.
Exit status: 0 done and verified, 1 not, 2 wrong command line, 130 interrupted.

`

func usage(fields []*input) string {
	var b strings.Builder
	b.WriteString(usageHead)
	for _, i := range fields {
		fmt.Fprintf(&b, "  --%-15s %s", i.flag, i.usage)
		if i.value != "" {
			fmt.Fprintf(&b, " (default %s)", i.value)
		}
		fmt.Fprintf(&b, "\n  %-17s %s\n", "", i.env)
	}
	return b.String()
}

var (
	templateID  = regexp.MustCompile(`^lt-[0-9a-zA-Z]+$`)
	targetGroup = regexp.MustCompile(
		`^arn:aws[a-z-]*:elasticloadbalancing:([a-z0-9-]+):[0-9]{12}:targetgroup/[^/]+/[^/]+$`)
)

// parse reads the command line over the environment ("NAME=value" each). The error is a *usageError with every fault.
func parse(args, environ []string) (options, error) {
	var o options
	if len(args) > 0 && args[0] == "rollback" {
		o.rollback, args = true, args[1:]
	}
	fields := inputs()
	help := usage(fields)
	faults, err := read(fields, args, environ, o.rollback)
	if errors.Is(err, flag.ErrHelp) {
		return o, &usageError{help: help}
	}
	if err != nil {
		return o, &usageError{faults: []string{err.Error()}}
	}

	byFlag := make(map[string]*input, len(fields))
	for _, i := range fields {
		byFlag[i.flag] = i
	}
	// take hands a setting to f, and notes what f has against it.
	take := func(name string, f func(value string) error) {
		i := byFlag[name]
		if o.rollback && !i.rollback {
			return
		}
		if err := f(i.value); err != nil {
			switch {
			case i.value == "":
				faults = append(faults, fmt.Sprintf("--%s (%s) is not set: %s", i.flag, i.env, err))
			case i.source == "":
				faults = append(faults, fmt.Sprintf("--%s = %q (default): %s", i.flag, i.value, err))
			default:
				faults = append(faults, fmt.Sprintf("%s = %q: %s", i.source, i.value, err))
			}
		}
	}

	arnRegion := ""
	take("group", func(v string) error {
		o.group = v
		if v == "" || len(v) > maxName {
			return fmt.Errorf("use the name of the Auto Scaling group, 1 to %d characters", maxName)
		}
		return nil
	})
	take("template", func(v string) error {
		o.want.id = v
		if !templateID.MatchString(v) {
			return errors.New("use the ID of a launch template, such as lt-0123456789abcdef0")
		}
		return nil
	})
	take("version", func(v string) error {
		o.want.version = v
		if n, err := strconv.ParseInt(v, 10, 64); err != nil || n < 1 || strconv.FormatInt(n, 10) != v {
			return errors.New("use a version number, such as 7; $Latest and $Default cannot be rolled back to")
		}
		return nil
	})
	take("target-group", func(v string) error {
		o.targetARN = v
		m := targetGroup.FindStringSubmatch(v)
		if m == nil {
			return errors.New("use the ARN of a target group, " +
				"arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<name>/<id>")
		}
		arnRegion = m[1]
		return nil
	})
	take("url", func(v string) (err error) {
		o.site, err = parseSite(v)
		return err
	})
	take("alarms", func(v string) (err error) {
		o.alarms, err = parseAlarms(v)
		return err
	})
	take("min-healthy", func(v string) (err error) {
		o.minHealthy, err = parsePercent(v, 0, 100)
		return err
	})
	take("max-healthy", func(v string) (err error) {
		o.maxHealthy, err = parsePercent(v, 100, 200)
		if err == nil && o.maxHealthy-o.minHealthy > 100 {
			return fmt.Errorf("at most 100 more than --min-healthy, which is %d", o.minHealthy)
		}
		return err
	})
	take("warmup", func(v string) (err error) {
		o.warmup, err = parseDuration(v, 0, maxTimeout)
		return err
	})
	take("bake", func(v string) (err error) {
		o.bake, err = parseDuration(v, 0, maxBake)
		return err
	})
	take("releases", func(v string) error {
		o.bucket = v
		if v != "" && !bucketName.MatchString(v) {
			return errors.New("use the name of a bucket")
		}
		return nil
	})
	take("keep", func(v string) (err error) {
		o.keep, err = parseDuration(v, minKeep, maxKeep)
		return err
	})
	for name, to := range map[string]*bool{"json": &o.json, "check": &o.check, "cancel-running": &o.cancelRunning} {
		take(name, func(v string) (err error) {
			if *to, err = strconv.ParseBool(v); err != nil {
				return errors.New("true or false")
			}
			return nil
		})
	}
	take("timeout", func(v string) (err error) {
		switch {
		case v != "":
			o.timeout, err = parseDuration(v, time.Second, maxTimeout)
		case o.check:
			o.timeout = defaultCheckTimeout
		default:
			o.timeout = defaultTimeout
		}
		if err == nil && !o.check && o.timeout <= o.warmup+o.bake {
			return fmt.Errorf("longer than --warmup and --bake together, which are %s", o.warmup+o.bake)
		}
		return err
	})
	take("region", func(v string) error {
		o.region = v
		if v == "" {
			o.region = arnRegion
		} else if arnRegion != "" && v != arnRegion {
			return fmt.Errorf("the target group is in %s; omit the region or use that one", arnRegion)
		}
		return nil
	})
	if o.check && o.cancelRunning {
		faults = append(faults, "--check starts and cancels nothing: remove --cancel-running")
	}
	if len(faults) > 0 {
		slices.Sort(faults) // the order of a map is none
		return o, &usageError{faults: faults}
	}
	return o, nil
}

// read fills the fields from the environment and then from the flags. It returns the variables that nothing reads: a
// misspelled setting must not be passed over.
func read(fields []*input, args, environ []string, rollback bool) (faults []string, err error) {
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) {
			continue
		}
		at := slices.IndexFunc(fields, func(i *input) bool { return i.env == name })
		switch {
		case at < 0:
			faults = append(faults, name+" is not a setting of this command")
		case value != "":
			fields[at].value, fields[at].source = value, name
		}
	}
	set := flag.NewFlagSet("rollout", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, i := range fields {
		if !rollback || i.rollback {
			set.Var(i, i.flag, i.usage)
		}
	}
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	for _, arg := range set.Args() {
		faults = append(faults, fmt.Sprintf("unexpected argument %q", arg))
	}
	return faults, nil
}

func parseSite(v string) (*url.URL, error) {
	if v == "" {
		return nil, nil
	}
	u, err := url.Parse(v)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil ||
		(u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("use only the scheme and host of the site, such as https://files.example.org")
	}
	u.Path = "/readyz"
	return u, nil
}

func parseAlarms(v string) ([]string, error) {
	if v == "" {
		return nil, nil
	}
	var names []string
	for name := range strings.SplitSeq(v, ",") {
		name = strings.TrimSpace(name)
		if name == "" || len(name) > maxName || slices.Contains(names, name) {
			return nil, fmt.Errorf("use different names, each of 1 to %d characters", maxName)
		}
		names = append(names, name)
	}
	if len(names) > maxAlarms {
		return nil, fmt.Errorf("at most %d alarms, not %d", maxAlarms, len(names))
	}
	return names, nil
}

func parsePercent(v string, least, most int32) (int32, error) {
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < int64(least) || n > int64(most) {
		return least, fmt.Errorf("a whole number, %d to %d", least, most)
	}
	return int32(n), nil
}

// parseDuration takes whole seconds only, since that is what Auto Scaling takes.
func parseDuration(v string, least, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if err != nil || d < least || d > most || d%time.Second != 0 {
		return 0, fmt.Errorf("a duration in whole seconds such as 90s or 10m, %s to %s", least, most)
	}
	return d, nil
}
