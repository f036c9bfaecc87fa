package policy

import (
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

func databaseRules() []Rule {
	return needing([]Rule{
		{
			ID: "RDS.2", Also: []string{"CIS 2.2.3", "CKV_AWS_17"},
			Says: "Databases have no public address and stand in private subnets.",
			Check: All(
				Must(databaseType, "publiclyAccessible", false, "set publiclyAccessible to false"),
				Must(clusterInstanceType, "publiclyAccessible", false, "set publiclyAccessible to false"),
				eachDatabase(func(g *graph.Graph, _ Environment, d database) []Violation {
					const mend = "set dbSubnetGroupName to a group of private subnets"
					if !d.cluster && d.replica && d.Input("dbSubnetGroupName") == nil {
						return []Violation{NotAskedOf(d.Resource, "its subnet group is %s", d.copied())}
					}
					group := g.Resolve(d.Input("dbSubnetGroupName"), subnetGroupType)
					if group == nil || len(graph.Items(group.Input("subnetIds"))) == 0 {
						return []Violation{At(d.Resource, mend, "its subnets are not known")}
					}
					var found []Violation
					for _, ref := range graph.Items(group.Input("subnetIds")) {
						switch subnet := g.Resolve(ref, subnetType); {
						case subnet == nil:
							found = append(found, At(group, mend, "it names a subnet that is not in the graph: %s",
								Shown(ref)))
						case g.Public(subnet):
							found = append(found, At(group, mend, "%s has a route to the internet gateway", subnet))
						}
					}
					return found
				}),
			),
		},
		{
			ID: "RDS.3", Also: []string{"RDS.27", "CIS 2.2.1", "CKV_AWS_16", "CKV_AWS_96"},
			Says: "Databases are encrypted where they rest. (A copy is where its source is. Clusters of Aurora from " +
				"before 2026-02-18 are not unless that is written out.)",
			Check: eachDatabase(func(_ *graph.Graph, _ Environment, d database) []Violation {
				v := d.Input("storageEncrypted")
				switch {
				case graph.Is(v, true), v == nil && graph.Text(d.Input("engineMode")) == "serverless":
					return nil
				case v == nil && (d.replica || d.restored):
					if d.Input("kmsKeyId") != nil {
						return nil
					}
					return []Violation{NotAskedOf(d.Resource, "its encryption is %s", d.copied())}
				}
				return []Violation{At(d.Resource, "set storageEncrypted to true", "storageEncrypted is %s, not true",
					Shown(v))}
			}),
		},
		{
			ID: "RDS.5", Also: []string{"RDS.15", "CKV_AWS_157"},
			Says: "Databases have a standby in another zone: instances are multiAz, clusters of Aurora have two " +
				"instances.",
			Production: true,
			Otherwise: "A standby doubles the database's price; without it an outage of a zone costs the time " +
				"of a restore.",
			Check: eachDatabase(func(g *graph.Graph, _ Environment, d database) []Violation {
				switch {
				case d.engine != nil && (d.engine.name == "SQL Server Express" || d.engine.custom):
					return []Violation{NotAskedOf(d.Resource, "there is no standby with %s", d.engine.name)}
				case !d.cluster && graph.Is(d.Input("multiAz"), true):
					return nil
				case !d.cluster:
					return []Violation{At(d.Resource, "set multiAz to true", "multiAz is %s, not true",
						Shown(d.Input("multiAz")))}
				case d.Input("dbClusterInstanceClass") != nil || graph.Text(d.Input("engineMode")) == "serverless":
					return nil // they have what they need in several zones
				}
				n := 0
				for _, r := range g.ByType(clusterInstanceType) {
					name := graph.Text(r.Input("clusterIdentifier"))
					if g.Refers(name, d.Resource) || name != "" && name == graph.Text(d.Input("clusterIdentifier")) {
						n++
					}
				}
				if n >= 2 {
					return nil
				}
				return []Violation{At(d.Resource, "add a second ClusterInstance",
					"the number of its instances in the stack is %d", n)}
			}),
		},
		{
			ID: "RDS.8", Also: []string{"RDS.7", "CKV_AWS_139", "CKV_AWS_293"},
			Says:       "Databases cannot be deleted by mistake, and leave a snapshot when they are.",
			Production: true, Otherwise: "A trial environment is destroyed in one step.",
			Check: All(
				Must(databaseType, "deletionProtection", true, "set deletionProtection to true"),
				Must(clusterType, "deletionProtection", true, "set deletionProtection to true"),
				eachDatabase(func(_ *graph.Graph, _ Environment, d database) []Violation {
					// AWS refuses to be asked for a snapshot of these.
					custom := d.engine != nil && d.engine.custom
					if graph.Is(Held(d.Resource, "skipFinalSnapshot"), false) || custom || d.replica && !d.cluster {
						return nil
					}
					return []Violation{At(d.Resource, "set skipFinalSnapshot to false",
						"skipFinalSnapshot is %s, not false", Shown(d.Input("skipFinalSnapshot")))}
				}),
			),
		},
		{
			ID: "RDS.9", Also: []string{"CKV_AWS_129"},
			Says: "Databases send the logs that tell of errors and of slow queries to CloudWatch: error and " +
				"slowquery of MySQL, MariaDB and Aurora MySQL; postgresql of PostgreSQL, and upgrade unless it is " +
				"Aurora; " +
				"alert, listener and trace of Oracle; error and agent of SQL Server, error alone of its Express " +
				"edition; diag.log and notify.log of Db2. (The general log would copy people's details into logs; " +
				"the audit log needs an option group and stands beside CloudTrail and the app's own log.)",
			Check: eachDatabase(func(_ *graph.Graph, _ Environment, d database) []Violation {
				switch {
				case d.engine == nil:
					return d.engineUnknown()
				case d.engine.custom:
					return []Violation{NotAskedOf(d.Resource, "%s sends no logs", d.engine.name)}
				}
				var found []Violation
				for _, kind := range d.engine.logs {
					if !slices.Contains(graph.Texts(d.Input("enabledCloudwatchLogsExports")), kind) {
						found = append(found, At(d.Resource, "add "+kind+" to enabledCloudwatchLogsExports",
							"it does not send its %s log", kind))
					}
				}
				return found
			}),
		},
		{
			ID: "RDS.11", Also: []string{"CKV_AWS_133"},
			Says: "Databases are backed up: for seven days at least in production, for one elsewhere. (Read replicas " +
				"need no backups of their own.)",
			Check: eachDatabase(func(_ *graph.Graph, env Environment, d database) []Violation {
				least := 1.0
				if env.Production {
					least = 7
				}
				given := d.Input("backupRetentionPeriod")
				held := Held(d.Resource, "backupRetentionPeriod")
				if n, ok := graph.Number(held); ok && n >= least {
					return nil
				}
				switch {
				case d.replica:
					return []Violation{NotAskedOf(d.Resource, "it is a replica, whose source is backed up")}
				case given == nil && d.restored:
					return []Violation{NotAskedOf(d.Resource, "its retention is %s", d.copied())}
				case given == nil:
					return []Violation{At(d.Resource, "raise backupRetentionPeriod",
						"backupRetentionPeriod is not set, which is %s days, not %v or more", Shown(held), least)}
				}
				return []Violation{At(d.Resource, "raise backupRetentionPeriod",
					"backupRetentionPeriod is %s days, not %v or more", Shown(given), least)}
			}),
		},
		{
			ID: "RDS.13", Also: []string{"CIS 2.2.2", "CKV_AWS_226"},
			Says: "Databases take minor upgrades, so security fixes, by themselves.",
			Check: All(
				eachDatabase(func(_ *graph.Graph, _ Environment, d database) []Violation {
					switch {
					case d.cluster || graph.Is(Held(d.Resource, "autoMinorVersionUpgrade"), true):
						return nil
					case d.engine != nil && d.engine.custom:
						return []Violation{NotAskedOf(d.Resource, "%s has no minor upgrades", d.engine.name)}
					}
					return []Violation{At(d.Resource, "set autoMinorVersionUpgrade to true",
						"autoMinorVersionUpgrade is %s, not true", Shown(d.Input("autoMinorVersionUpgrade")))}
				}),
				Must(clusterInstanceType, "autoMinorVersionUpgrade", true, "set autoMinorVersionUpgrade to true"),
			),
		},
		{
			ID: "RDS.17", Also: []string{"RDS.16", "CKV2_AWS_60", "CKV_AWS_313"},
			Says: "Snapshots carry the database's tags, so that their cost and owner are known.",
			Check: All(
				Must(databaseType, "copyTagsToSnapshot", true, "set copyTagsToSnapshot to true"),
				Must(clusterType, "copyTagsToSnapshot", true, "set copyTagsToSnapshot to true"),
			),
		},
		{
			ID: "RDS.23",
			Says: "Databases do not listen on their engine's default port: 3306 of MySQL and MariaDB, 5432 of " +
				"PostgreSQL, 1521 of Oracle, 1433 of SQL Server, 50000 of Db2, with Aurora as what it is like.",
			Check: eachDatabase(func(_ *graph.Graph, _ Environment, d database) []Violation {
				n, ok := graph.Number(d.Input("port"))
				switch {
				case ok && !slices.ContainsFunc(engines, func(e engine) bool { return e.port == n }):
					return nil
				case d.Input("port") == nil && (d.replica || d.restored):
					return []Violation{NotAskedOf(d.Resource, "its port is %s", d.copied())}
				case d.engine == nil:
					return d.engineUnknown()
				case ok && n != d.engine.port:
					return nil
				}
				return []Violation{At(d.Resource, "set port to another one", "port is %s, and %s's is %v",
					Shown(d.Input("port")), d.engine.name, d.engine.port)}
			}),
		},
		{
			ID: "RDS.25", Also: []string{"RDS.24"},
			Says: "The master user has no name that an attacker tries first.",
			Check: eachDatabase(func(_ *graph.Graph, _ Environment, d database) []Violation {
				user := d.user()
				switch {
				case user == nil && (d.replica || d.restored):
					return []Violation{NotAskedOf(d.Resource, "its user is %s", d.copied())}
				case isMark(user):
					return []Violation{NotAskedOf(d.Resource, "its user is %s", Shown(user))}
				}
				name := strings.ToLower(graph.Text(user))
				if name == "" ||
					slices.Contains([]string{"admin", "administrator", "root", "master", "mysql", "postgres",
						"rdsadmin", "user"}, name) {
					return []Violation{At(d.Resource, "choose another username", "username is %s", Shown(user))}
				}
				return nil
			}),
		},
		{
			ID: "CKV2_AWS_69",
			Says: "Databases refuse connections without TLS: require_secure_transport of MySQL, MariaDB and Aurora " +
				"MySQL, rds.force_ssl of PostgreSQL, Aurora PostgreSQL and SQL Server, db2comm of Db2, in the " +
				"parameter group or by the default of the version (MySQL 9.7, MariaDB 11.8, PostgreSQL 15, Aurora " +
				"PostgreSQL 17). Oracle has no such parameter, and is not asked.",
			Check: eachDatabase(refusesPlain),
		},
		{
			ID: "CKV_AWS_353",
			Says: "Performance Insights is on wherever the engine and the instance class have it: seven days cost " +
				"nothing.",
			Check: func(g *graph.Graph, _ Environment) []Violation {
				var found []Violation
				for _, r := range g.ByType(databaseType, clusterInstanceType) {
					of := engineNamed(graph.Text(r.Input("engine")))
					cluster := g.Resolve(r.Input("clusterIdentifier"), clusterType)
					if r.Token == databaseType {
						of = databaseOf(g, r, nil).engine
					} else if cluster != nil && r.Input("engine") == nil {
						of = engineNamed(graph.Text(cluster.Input("engine")))
					}
					class := graph.Text(r.Input("instanceClass"))
					switch {
					case graph.Is(r.Input("performanceInsightsEnabled"), true),
						cluster != nil && graph.Is(cluster.Input("performanceInsightsEnabled"), true),
						of != nil && slices.ContainsFunc(of.withoutInsights, func(without string) bool {
							return strings.HasPrefix(class, without)
						}):
					case of == nil && slices.Contains(smallest, class):
						found = append(found, NotAskedOf(r, "its engine is %s, and some have no Performance Insights "+
							"on %s", Shown(r.Input("engine")), class))
					default:
						found = append(found, At(r, "set performanceInsightsEnabled to true",
							"%s has Performance Insights, and performanceInsightsEnabled is %s",
							Shown(r.Input("instanceClass")), Shown(r.Input("performanceInsightsEnabled"))))
					}
				}
				return found
			},
		},
	}, databaseType, clusterType)
}
