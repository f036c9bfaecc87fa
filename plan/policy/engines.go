package policy

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dossier.example/plan/graph"
)

// engine is what rules know of a family of database engines.
type engine struct {
	// names are those that AWS has for it, name is what people call it.
	names []string
	name  string
	port  float64
	// logs are those that tell of errors and of what is slow, without those that copy what people write
	// (https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-9).
	logs []string
	// tls is the parameter that refuses connections without TLS, on its value; empty: there is none.
	tls, on string
	// since is the version from which on its default refuses them. Where a version is not given, either is the
	// default's (either).
	since  [2]int
	either bool
	// withoutInsights are the classes without Performance Insights, or what they begin with; all: "db."
	// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DatabaseInsights.Engines.html).
	withoutInsights []string
	// custom is RDS Custom, whose owner runs the host: there are no exports of logs, no upgrades and no parameters.
	custom bool
}

var smallest = []string{"db.t2.micro", "db.t2.small", "db.t3.micro", "db.t3.small", "db.t4g.micro", "db.t4g.small"}

// engines are the families. The versions are from
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql-ssl-connections.require-ssl.html,
// mariadb-ssl-connections.require-ssl.html and PostgreSQL.Concepts.General.SSL.html beside it, and
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Security.html.
var engines = []engine{
	{names: []string{"mysql"}, name: "MySQL", port: 3306, logs: []string{"error", "slowquery"},
		tls: "require_secure_transport", on: "1", since: [2]int{9, 7}, withoutInsights: smallest},
	{names: []string{"mariadb"}, name: "MariaDB", port: 3306, logs: []string{"error", "slowquery"},
		tls: "require_secure_transport", on: "1", since: [2]int{11, 8}, either: true, withoutInsights: smallest},
	{names: []string{"aurora-mysql", "aurora"}, name: "Aurora MySQL", port: 3306,
		logs: []string{"error", "slowquery"}, tls: "require_secure_transport", on: "ON",
		withoutInsights: []string{"db.t2.", "db.t3.", "db.t4g.micro", "db.t4g.small"}},
	{names: []string{"postgres"}, name: "PostgreSQL", port: 5432, logs: []string{"postgresql", "upgrade"},
		tls: "rds.force_ssl", on: "1", since: [2]int{15, 0}, either: true},
	{names: []string{"aurora-postgresql"}, name: "Aurora PostgreSQL", port: 5432, logs: []string{"postgresql"},
		tls: "rds.force_ssl", on: "1", since: [2]int{17, 0}, either: true},
	{names: []string{"oracle-*"}, name: "Oracle", port: 1521, logs: []string{"alert", "listener", "trace"}},
	{names: []string{"sqlserver-ex"}, name: "SQL Server Express", port: 1433, logs: []string{"error"},
		tls: "rds.force_ssl", on: "1"},
	{names: []string{"sqlserver-*"}, name: "SQL Server", port: 1433, logs: []string{"error", "agent"},
		tls: "rds.force_ssl", on: "1"},
	{names: []string{"db2-*"}, name: "Db2", port: 50000, logs: []string{"diag.log", "notify.log"},
		tls: "db2comm", on: "SSL", withoutInsights: []string{"db."}},
	{names: []string{"custom-oracle-*"}, name: "RDS Custom for Oracle", port: 1521, custom: true,
		withoutInsights: []string{"db."}},
	{names: []string{"custom-sqlserver-*"}, name: "RDS Custom for SQL Server", port: 1433, custom: true,
		withoutInsights: []string{"db."}},
}

// engineNamed is the engine that AWS calls so; nil where it is not known.
func engineNamed(name string) *engine {
	name = strings.ToLower(name)
	for i, e := range engines {
		for _, of := range e.names {
			if prefix, is := strings.CutSuffix(of, "*"); of == name || is && strings.HasPrefix(name, prefix) {
				return &engines[i]
			}
		}
	}
	return nil
}

// digits find the version in that of an engine, and in a family of parameters: postgres16, aurora-mysql8.0.
var digits = regexp.MustCompile(`^(?:[a-z-]*[a-z])?(\d+)(?:\.(\d+))?`)

// refuses reports whether the default of the parameter refuses connections without TLS in a version, and whether that
// is known.
func (e engine) refuses(version string) (does, known bool) {
	if e.since == [2]int{} {
		return false, true
	}
	m := digits.FindStringSubmatch(version)
	if m == nil {
		return false, !e.either
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	return major > e.since[0] || major == e.since[0] && minor >= e.since[1], true
}

// database is a database of RDS: an instance by itself, or a cluster of Aurora or of several zones.
type database struct {
	*graph.Resource
	cluster bool
	// replica and restored tell that it is a copy of another one, which says what is not given here: one that goes on,
	// or one of a time.
	replica, restored bool
	// source is what a replica is one of; nil where it is not of the stack.
	source *database
	// engine is nil where it is not known.
	engine *engine
}

func databases(g *graph.Graph) []database {
	var found []database
	for _, r := range g.ByType(databaseType, clusterType) {
		found = append(found, *databaseOf(g, r, nil))
	}
	return found
}

// databaseOf returns the database that a resource is; seen are those of which it is said to be a replica.
func databaseOf(g *graph.Graph, r *graph.Resource, seen []*graph.Resource) *database {
	d := &database{Resource: r, cluster: r.Token == clusterType,
		restored: r.Input("snapshotIdentifier") != nil || r.Input("restoreToPointInTime") != nil}
	from := r.Input("replicateSourceDb")
	if d.cluster {
		from = r.Input("replicationSourceIdentifier")
	}
	// A cluster that others of a global one are copied to has no user of its own.
	d.replica = from != nil || d.cluster && r.Input("globalClusterIdentifier") != nil && d.user() == nil
	if of := g.Resolve(from, databaseType, clusterType); of != nil && of != r && !slices.Contains(seen, of) {
		d.source = databaseOf(g, of, append(seen, r))
	}
	if d.engine = engineNamed(graph.Text(r.Input("engine"))); r.Input("engine") == nil && d.source != nil {
		d.engine = d.source.engine
	}
	return d
}

// copied tells whose value an input has that is not given.
func (d database) copied() string {
	switch {
	case d.source != nil:
		return "that of its source, " + d.source.String()
	case d.replica:
		return "that of its source"
	}
	return "that of what it is restored from"
}

func (d database) user() any {
	if d.cluster {
		return d.Input("masterUsername")
	}
	return d.Input("username")
}

func (d database) version() string {
	if v := graph.Text(d.Input("engineVersion")); v != "" || d.source == nil {
		return v
	}
	return d.source.version()
}

// engineUnknown tells that a rule is about engines, and that of the database is not among those that it knows.
func (d database) engineUnknown() []Violation {
	return []Violation{NotAskedOf(d.Resource, "its engine is %s, which the rule does not know",
		Shown(d.Input("engine")))}
}

// eachDatabase applies a test to every database.
func eachDatabase(test func(g *graph.Graph, env Environment, d database) []Violation) func(*graph.Graph,
	Environment) []Violation {
	return func(g *graph.Graph, env Environment) []Violation {
		var found []Violation
		for _, d := range databases(g) {
			found = append(found, test(g, env, d)...)
		}
		return found
	}
}

// refusesPlain demands the parameter that refuses connections without TLS.
func refusesPlain(g *graph.Graph, _ Environment, d database) []Violation {
	e := d.engine
	switch {
	case e == nil:
		return d.engineUnknown()
	case e.tls == "":
		return []Violation{NotAskedOf(d.Resource, "%s has no parameter that refuses connections without TLS", e.name)}
	}
	path, kind := "parameterGroupName", parameterGroupType
	if d.cluster {
		path, kind = "dbClusterParameterGroupName", clusterParametersType
	}
	ref, version := d.Input(path), d.version()
	if ref == nil && !d.cluster && d.replica {
		if d.source == nil {
			return []Violation{NotAskedOf(d.Resource, "its parameter group is %s", d.copied())}
		}
		ref = d.source.Input(path)
	}
	mend := "set " + e.tls + " to " + e.on + " in its parameter group"
	group := g.Resolve(ref, kind)
	if group == nil && ref != nil && !strings.HasPrefix(graph.Text(ref), "default.") {
		return []Violation{NotAskedOf(d.Resource, "its parameter group, %s, is not of the stack", Shown(ref))}
	}
	at, message := d.Resource, "it has no parameter group of the stack"
	if group != nil {
		at, message = group, "it does not set "+e.tls
		for _, p := range graph.Items(group.Input("parameters")) {
			if graph.At(p, "name") != e.tls {
				continue
			}
			value := strings.ToUpper(graph.Text(graph.At(p, "value")))
			if value == e.on || e.on != "SSL" && slices.Contains([]string{"1", "ON", "TRUE"}, value) {
				return nil
			}
			return []Violation{At(group, mend, "it sets %s to %s", e.tls, Shown(graph.At(p, "value")))}
		}
		if version == "" {
			version = graph.Text(group.Input("family"))
		}
	}
	switch does, known := e.refuses(version); {
	case does:
		return nil
	case !known:
		return []Violation{NotAskedOf(d.Resource, "nothing sets %s, whose default depends on the version, and that "+
			"is not given", e.tls)}
	}
	return []Violation{At(at, mend, "%s", message)}
}
