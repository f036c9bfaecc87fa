package policy

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
	"dossier.example/plan/policy/policytest"
)

// ruled returns what came of a rule of the catalogue in production.
func ruled(t *testing.T, g *graph.Graph, id string) Result {
	t.Helper()
	for _, result := range checked(g, production).Results {
		if result.Rule.ID == id {
			return result
		}
	}
	t.Fatalf("there is no rule %s", id)
	return Result{}
}

// ofDatabases are the rules that speak of databases.
var ofDatabases = strings.Fields("RDS.2 RDS.3 RDS.5 RDS.8 RDS.9 RDS.11 RDS.13 RDS.17 RDS.23 RDS.25 CKV2_AWS_69 " +
	"CKV_AWS_353 CKV_AWS_66 Plan.Secrets.2")

// with is the good stack with a database in place of its own: only what has no default that keeps the rules is given.
func with(t *testing.T, kind string, inputs in) *graphtest.Builder {
	t.Helper()
	b := policytest.Stack(t)
	for _, name := range []string{"error", "slowquery"} {
		b.Remove(logGroupType, name)
	}
	b.Remove(databaseType, "db").Remove(parameterGroupType, "db")
	all := in{"storageEncrypted": true, "deletionProtection": true, "dbSubnetGroupName": "db-subnets",
		"vpcSecurityGroupIds": []string{"securitygroup-db"}, "backupRetentionPeriod": 7, "copyTagsToSnapshot": true,
		"port": 6000}
	if kind == clusterType {
		maps.Copy(all, in{"clusterIdentifier": "data", "masterUsername": "keeper", "masterPassword": graph.Secret})
	} else {
		maps.Copy(all, in{"identifier": "data", "username": "keeper", "password": graph.Secret, "multiAz": true,
			"instanceClass": "db.m7g.large", "performanceInsightsEnabled": true})
	}
	maps.Copy(all, inputs)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	b.Add(kind, "data", all)
	for _, log := range graph.Texts(plainly(all["enabledCloudwatchLogsExports"])) {
		place := map[string]string{databaseType: "instance", clusterType: "cluster"}[kind]
		b.Add(logGroupType, log, in{"name": "/aws/rds/" + place + "/data/" + log, "retentionInDays": 30})
	}
	if kind == clusterType {
		for _, name := range []string{"one", "two"} {
			b.Add(clusterInstanceType, name, in{"clusterIdentifier": "data", "engine": inputs["engine"],
				"instanceClass": "db.r7g.large", "performanceInsightsEnabled": true})
		}
	}
	return b
}

func plainly(v any) any {
	texts, _ := v.([]string)
	var list []any
	for _, text := range texts {
		list = append(list, text)
	}
	return list
}

// parameters adds a parameter group, and returns its name.
func parameters(b *graphtest.Builder, kind, family, name, value string) {
	b.Add(kind, "data", in{"name": "tls", "family": family,
		"parameters": []any{in{"name": name, "value": value}}})
}

// TestEngines: a good database of each engine keeps every rule, by the inputs and parameters that AWS has for it, and
// by its defaults where they are not given.
func TestEngines(t *testing.T) {
	for _, c := range []struct {
		engine, version, kind, parameter, value string
		logs                                    []string
		// aside are the rules that are not asked of it.
		aside []string
	}{
		{"mysql", "8.4", databaseType, "require_secure_transport", "1", []string{"error", "slowquery"}, nil},
		{"mariadb", "11.4", databaseType, "require_secure_transport", "ON", []string{"error", "slowquery"}, nil},
		{"postgres", "14.9", databaseType, "rds.force_ssl", "1", []string{"postgresql", "upgrade"}, nil},
		{"postgres", "17", databaseType, "", "", []string{"postgresql", "upgrade"}, nil},
		{"oracle-se2", "19", databaseType, "", "", []string{"alert", "listener", "trace"}, []string{"CKV2_AWS_69"}},
		{"sqlserver-se", "16.00", databaseType, "rds.force_ssl", "1", []string{"error", "agent"}, nil},
		{"sqlserver-ex", "16.00", databaseType, "rds.force_ssl", "1", []string{"error"}, []string{"RDS.5"}},
		{"db2-se", "11.5", databaseType, "db2comm", "SSL", []string{"diag.log", "notify.log"}, nil},
		{"custom-oracle-ee", "19.c.ee", databaseType, "", "", nil, []string{"RDS.5", "RDS.9", "CKV2_AWS_69"}},
		{"aurora-mysql", "8.0.mysql_aurora.3.08.0", clusterType, "require_secure_transport", "ON",
			[]string{"error", "slowquery"}, nil},
		{"aurora-postgresql", "16.4", clusterType, "rds.force_ssl", "1", []string{"postgresql"}, nil},
		{"aurora-postgresql", "17.4", clusterType, "", "", []string{"postgresql"}, nil},
		{"ours", "1", databaseType, "", "", nil, []string{"RDS.9", "CKV2_AWS_69"}},
	} {
		t.Run(c.engine+" "+c.version, func(t *testing.T) {
			inputs := in{"engine": c.engine, "engineVersion": c.version, "enabledCloudwatchLogsExports": c.logs}
			group, path := parameterGroupType, "parameterGroupName"
			if c.kind == clusterType {
				group, path = clusterParametersType, "dbClusterParameterGroupName"
			}
			if c.parameter != "" {
				inputs[path] = "tls"
			}
			build := func() *graphtest.Builder {
				b := with(t, c.kind, inputs)
				if c.parameter != "" {
					parameters(b, group, c.engine, c.parameter, c.value)
				}
				return b
			}
			for _, id := range ofDatabases {
				want := Kept
				if slices.Contains(c.aside, id) {
					want = NotAsked
				}
				if result := ruled(t, build().Graph(), id); result.Verdict != want {
					t.Errorf("%s is %s, want %s: %v, %v", id, result.Verdict, want, result.Violations, result.Aside)
				}
			}
			for _, log := range c.logs {
				rest := slices.DeleteFunc(slices.Clone(c.logs), func(l string) bool { return l == log })
				b := build().Set(c.kind, "data", "enabledCloudwatchLogsExports", rest)
				v := ruled(t, b.Graph(), "RDS.9").Violations
				if len(v) != 1 || v[0].Mend != "add "+log+" to enabledCloudwatchLogsExports" {
					t.Errorf("without its log %s: %v", log, v)
				}
			}
			if c.parameter != "" {
				b := with(t, c.kind, inputs)
				parameters(b, group, c.engine, c.parameter, "0")
				v := ruled(t, b.Graph(), "CKV2_AWS_69").Violations
				if len(v) != 1 || !strings.HasPrefix(v[0].Mend, "set "+c.parameter+" to ") {
					t.Errorf("with %s 0: %v", c.parameter, v)
				}
			}
		})
	}
}

// TestDefaultPorts: each engine has its own.
func TestDefaultPorts(t *testing.T) {
	for engine, port := range map[string]int{"mysql": 3306, "mariadb": 3306, "postgres": 5432, "oracle-ee": 1521,
		"sqlserver-web": 1433, "db2-ae": 50000, "aurora-mysql": 3306, "aurora-postgresql": 5432} {
		kind := databaseType
		if strings.HasPrefix(engine, "aurora") {
			kind = clusterType
		}
		for _, c := range []struct {
			port any
			want Verdict
		}{{nil, Broken}, {port, Broken}, {6432, Kept}} {
			result := ruled(t, with(t, kind, in{"engine": engine, "port": c.port}).Graph(), "RDS.23")
			if result.Verdict != c.want {
				t.Errorf("port %v of %s: %s", c.port, engine, result.Verdict)
			}
			if c.want == Broken && !strings.HasSuffix(result.Violations[0].Message, "'s is "+strconv.Itoa(port)) {
				t.Errorf("port %v of %s: %s", c.port, engine, result.Violations[0].Message)
			}
		}
	}
}

// TestDatabaseInputs: what is not given is what AWS or the provider has then, or what the source of a copy has; what is
// not known is told, and breaks nothing.
func TestDatabaseInputs(t *testing.T) {
	replica := in{"engine": nil, "replicateSourceDb": "arn:aws:rds:eu-west-1:123456789012:db:elsewhere",
		"username": nil, "password": nil, "storageEncrypted": nil, "backupRetentionPeriod": nil, "port": nil,
		"dbSubnetGroupName": nil,
		"skipFinalSnapshot": true}
	restored := in{"engine": "postgres", "engineVersion": "17", "snapshotIdentifier": "old", "username": nil,
		"password": nil, "storageEncrypted": nil, "backupRetentionPeriod": nil, "port": nil}
	postgres, aurora := in{"engine": "postgres"}, in{"engine": "aurora-postgresql", "engineVersion": "17.4"}
	and := func(inputs in, more in) in {
		inputs = maps.Clone(inputs)
		maps.Copy(inputs, more)
		return inputs
	}
	for _, c := range []struct {
		name, kind string
		inputs     in
		wants      map[string]Verdict
	}{
		{"a replica of another stack's", databaseType, replica, map[string]Verdict{"RDS.2": NotAsked, "RDS.3": NotAsked,
			"RDS.8": Kept, "RDS.9": NotAsked, "RDS.11": NotAsked, "RDS.13": Kept, "RDS.23": NotAsked,
			"RDS.25": NotAsked, "CKV2_AWS_69": NotAsked}},
		{"a replica in clear", databaseType, and(replica, in{"storageEncrypted": false}),
			map[string]Verdict{"RDS.3": Broken}},
		{"a public replica", databaseType, and(replica, in{"publiclyAccessible": true}),
			map[string]Verdict{"RDS.2": Broken}},
		{"a replica in another region", databaseType, and(replica, in{"kmsKeyId": "key"}),
			map[string]Verdict{"RDS.3": Kept}},
		{"restored", databaseType, restored, map[string]Verdict{"RDS.2": Kept, "RDS.3": NotAsked, "RDS.11": NotAsked,
			"RDS.23": NotAsked, "RDS.25": NotAsked, "CKV2_AWS_69": Kept, "RDS.8": Kept}},
		{"restored for good", databaseType, and(restored, in{"skipFinalSnapshot": true, "backupRetentionPeriod": 2,
			"port": 5432}), map[string]Verdict{"RDS.8": Broken, "RDS.11": Broken, "RDS.23": Broken}},
		{"new", databaseType, and(postgres, in{"storageEncrypted": nil, "multiAz": nil, "deletionProtection": nil,
			"backupRetentionPeriod": nil, "copyTagsToSnapshot": nil, "username": nil,
			"performanceInsightsEnabled": nil, "dbSubnetGroupName": nil}),
			map[string]Verdict{"RDS.2": Broken, "RDS.3": Broken, "RDS.5": Broken, "RDS.8": Broken, "RDS.11": Broken,
				"RDS.13": Kept, "RDS.17": Broken, "RDS.25": Broken, "CKV_AWS_353": Broken}},
		{"the inputs of which the defaults keep the rules, otherwise", databaseType, and(postgres,
			in{"publiclyAccessible": true, "autoMinorVersionUpgrade": false, "skipFinalSnapshot": true}),
			map[string]Verdict{"RDS.2": Broken, "RDS.8": Broken, "RDS.13": Broken}},
		{"an address that is not known", databaseType, and(postgres, in{"publiclyAccessible": graph.Unknown}),
			map[string]Verdict{"RDS.2": Broken}},
		{"a user that is not known", databaseType, and(postgres, in{"username": graph.Secret}),
			map[string]Verdict{"RDS.25": NotAsked}},
		{"an engine that is not known", databaseType, in{"engine": graph.Unknown, "port": 5432},
			map[string]Verdict{"RDS.9": NotAsked, "RDS.23": NotAsked, "CKV2_AWS_69": NotAsked, "RDS.3": Kept}},
		{"PostgreSQL of no version", databaseType, postgres, map[string]Verdict{"CKV2_AWS_69": NotAsked}},
		{"PostgreSQL with its default parameters", databaseType, and(postgres, in{"engineVersion": "14.9",
			"parameterGroupName": "default.postgres14"}), map[string]Verdict{"CKV2_AWS_69": Broken}},
		{"PostgreSQL 15 with its default parameters", databaseType, and(postgres, in{"engineVersion": "15.2",
			"parameterGroupName": "default.postgres15"}), map[string]Verdict{"CKV2_AWS_69": Kept}},
		{"parameters of another stack", databaseType, and(postgres, in{"engineVersion": "14.9",
			"parameterGroupName": "shared"}), map[string]Verdict{"CKV2_AWS_69": NotAsked}},
		{"MySQL of no version", databaseType, in{"engine": "mysql"}, map[string]Verdict{"CKV2_AWS_69": Broken}},
		{"MySQL 9.7", databaseType, in{"engine": "mysql", "engineVersion": "9.7.1"},
			map[string]Verdict{"CKV2_AWS_69": Kept}},
		{"MariaDB 11.8", databaseType, in{"engine": "mariadb", "engineVersion": "11.8.3"},
			map[string]Verdict{"CKV2_AWS_69": Kept}},
		{"small PostgreSQL", databaseType, and(postgres, in{"instanceClass": "db.t4g.micro",
			"performanceInsightsEnabled": nil}), map[string]Verdict{"CKV_AWS_353": Broken}},
		{"small MariaDB", databaseType, in{"engine": "mariadb", "instanceClass": "db.t4g.micro",
			"performanceInsightsEnabled": nil}, map[string]Verdict{"CKV_AWS_353": Kept}},

		{"Aurora in clear", clusterType, and(aurora, in{"storageEncrypted": nil}), map[string]Verdict{"RDS.3": Broken}},
		{"Aurora Serverless", clusterType, and(aurora, in{"storageEncrypted": nil, "engineMode": "serverless"}),
			map[string]Verdict{"RDS.3": Kept}},
		{"Aurora of a snapshot", clusterType, and(aurora, in{"storageEncrypted": nil, "snapshotIdentifier": "old"}),
			map[string]Verdict{"RDS.3": NotAsked}},
		{"Aurora that is easily lost", clusterType, and(aurora, in{"deletionProtection": nil,
			"backupRetentionPeriod": nil, "copyTagsToSnapshot": nil}),
			map[string]Verdict{"RDS.8": Broken, "RDS.11": Broken, "RDS.17": Broken}},
		{"Aurora of admin", clusterType, and(aurora, in{"masterUsername": "postgres"}),
			map[string]Verdict{"RDS.25": Broken}},
		{"Aurora with a password in plain", clusterType, and(aurora, in{"masterPassword": "correct horse"}),
			map[string]Verdict{"Plan.Secrets.2": Broken}},
		{"Aurora 16 with its default parameters", clusterType, and(aurora, in{"engineVersion": "16.4"}),
			map[string]Verdict{"CKV2_AWS_69": Broken}},
		{"the second cluster of a global one", clusterType, and(aurora, in{"globalClusterIdentifier": "all",
			"masterUsername": nil, "masterPassword": nil}), map[string]Verdict{"RDS.25": NotAsked}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for id, want := range c.wants {
				result := ruled(t, with(t, c.kind, c.inputs).Graph(), id)
				if result.Verdict != want {
					t.Errorf("%s is %s, want %s: %v, %v", id, result.Verdict, want, result.Violations, result.Aside)
				}
				for _, v := range result.Aside {
					if v.Resource == "" || v.Message == "" || v.Rule != id {
						t.Errorf("not all is said: %+v", v)
					}
				}
			}
		})
	}
	for name, change := range map[string]func(*graphtest.Builder){
		"a single instance": func(b *graphtest.Builder) { b.Remove(clusterInstanceType, "two") },
	} {
		b := with(t, clusterType, aurora)
		change(b)
		if got := ruled(t, b.Graph(), "RDS.5").Verdict; got != Broken {
			t.Errorf("Aurora of %s: RDS.5 is %s", name, got)
		}
	}
	for path, id := range map[string]string{"publiclyAccessible": "RDS.2", "autoMinorVersionUpgrade": "RDS.13",
		"performanceInsightsEnabled": "CKV_AWS_353"} {
		b := with(t, clusterType, aurora).Set(clusterInstanceType, "one", path, path == "publiclyAccessible")
		if got := ruled(t, b.Graph(), id).Verdict; got != Broken {
			t.Errorf("Aurora with %s otherwise: %s is %s", path, id, got)
		}
	}
}

// TestReplicas: what a replica takes from its source is judged by the source where that is of the stack.
func TestReplicas(t *testing.T) {
	inputs := in{"engine": "postgres", "engineVersion": "17", "enabledCloudwatchLogsExports": []string{"postgresql",
		"upgrade"}}
	b := with(t, databaseType, inputs)
	b.Add(databaseType, "reader", in{"identifier": "reader", "replicateSourceDb": "data", "multiAz": true,
		"instanceClass": "db.m7g.large", "performanceInsightsEnabled": true, "copyTagsToSnapshot": true,
		"deletionProtection": true, "skipFinalSnapshot": true})
	g := b.Graph()
	for _, id := range ofDatabases {
		result := ruled(t, g, id)
		switch {
		case id == "RDS.9": // its own logs
			if len(result.Violations) != 2 || result.Violations[0].Resource != "RDS Instance reader" {
				t.Errorf("%s: %v", id, result.Violations)
			}
		case result.Verdict != Kept:
			t.Errorf("%s is %s: %v", id, result.Verdict, result.Violations)
		}
	}
	for _, v := range ruled(t, g, "RDS.25").Aside {
		if want := "its user is that of its source, RDS Instance data"; v.Message != want {
			t.Errorf("it says %q", v.Message)
		}
	}
	old := with(t, databaseType, in{"engine": "postgres", "engineVersion": "14"})
	old.Add(databaseType, "reader", in{"identifier": "reader", "replicateSourceDb": "data"})
	if n := len(ruled(t, old.Graph(), "CKV2_AWS_69").Violations); n != 2 {
		t.Errorf("%d of two databases without TLS break the rule", n)
	}
	b.Set(databaseType, "data", "replicateSourceDb", "reader") // no program that can be deployed, and no hang
	ruled(t, b.Graph(), "CKV2_AWS_69")
}

// TestAsideIsTold: a report says of which resources a rule is not asked, and why.
func TestAsideIsTold(t *testing.T) {
	report := checked(with(t, databaseType, in{"engine": "oracle-se2"}).Graph(), production)
	const want = "has no parameter that refuses connections without TLS"
	for name, text := range map[string]string{"text": report.Text(), "Markdown": report.Markdown()} {
		if !strings.Contains(text, "Oracle "+want) || !strings.Contains(text, "RDS Instance data") {
			t.Errorf("the %s does not say it:\n%s", name, text)
		}
	}
}

// TestUnset: the defaults are those of the provider's reference, as far as it has them.
func TestUnset(t *testing.T) {
	text, err := os.ReadFile("../defaults.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		for _, field := range fields[1:] {
			path, value, _ := strings.Cut(field, "=")
			mine, has := unset[fields[0]+" "+path]
			if !has {
				continue
			}
			n++
			if graph.Text(mine) != value {
				t.Errorf("%s of %s is %v, and the reference has %s", path, fields[0], mine, value)
			}
		}
	}
	if n < 4 {
		t.Errorf("the reference has %d of the defaults", n)
	}
}
