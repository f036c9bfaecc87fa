package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/backup"
	"dossier.example/app/catalog"
	"dossier.example/app/config"
	"dossier.example/app/objects"
	"dossier.example/app/people"
	"dossier.example/app/scanner"
	"dossier.example/app/space"
	"dossier.example/app/staff"
	"dossier.example/app/thumbnail"
	"dossier.example/app/web"
)

// pinger is a store that can be asked whether it answers.
type pinger interface {
	Ping(ctx context.Context) error
}

// stores are the three stores, of whichever kind the settings ask for.
type stores struct {
	people  *people.Store
	catalog interface {
		dossier.Catalog
		pinger
	}
	objects interface {
		dossier.Objects
		dossier.Versions
		pinger
	}
	// parts takes the parts of files that clients send here; nil where they send them to S3.
	parts web.PartReceiver
	// partsOrigin is where they send them else; empty with parts.
	partsOrigin string
	// space is the reserve of the data folder's disk; nil where no store is embedded.
	space *space.Reserve
	// tags are those of objects in S3, where GuardDuty says what it found; nil with embedded objects.
	tags scanner.Tags
	// memory is asked whether the memory for parts of forms is full; nil where none is kept.
	memory  interface{ MemoryFull() bool }
	closers []func() error
}

// openStores opens the stores. Embedded ones are brought to the schema of this binary; MySQL's schema must be there
// already.
func openStores(ctx context.Context, cfg *config.Config) (*stores, error) {
	s := &stores{}
	if embedded(cfg) != (backup.Parts{}) {
		if err := makeDataFolder(cfg.Data); err != nil {
			return s, err
		}
		var err error
		if s.space, err = space.Open(cfg.Data, cfg.DiskReserve); err != nil {
			return s, err
		}
	}
	return s, s.space.Opening(ctx, func() error {
		err := s.open(ctx, cfg)
		if err != nil {
			err = errors.Join(err, s.close())
		}
		return err
	})
}

// open opens what openStores is asked for, or a part of it.
func (s *stores) open(ctx context.Context, cfg *config.Config) (err error) {
	var sdk aws.Config
	if !cfg.Objects.Embedded() || !cfg.Catalog.Embedded() {
		if sdk, err = awsconfig.LoadDefaultConfig(ctx); err != nil {
			return fmt.Errorf("load the AWS SDK's settings: %w", err)
		}
		if sdk.Region == "" {
			return errors.New("no AWS region is set: set AWS_REGION, which DOSSIER_BUCKET and DOSSIER_TABLE need")
		}
	}
	if s.people, err = openPeople(ctx, cfg); err != nil {
		return fmt.Errorf("open the store of people: %w", err)
	}
	s.closers = append(s.closers, s.people.Close)
	if cfg.Catalog.Embedded() {
		c, err := catalog.OpenSQLite(ctx, filepath.Join(cfg.Data, "catalog.db"))
		if err != nil {
			return fmt.Errorf("open the catalog: %w", err)
		}
		s.closers = append(s.closers, c.Close)
		s.catalog = c
	} else {
		s.catalog = catalog.NewDynamoDB(sdk,
			catalog.DynamoDBConfig{Table: cfg.Catalog.Table, Timeout: cfg.Timeouts.Store})
	}
	if cfg.Objects.Embedded() {
		d, err := objects.OpenDirectory(filepath.Join(cfg.Data, "objects"))
		if err != nil {
			return fmt.Errorf("open the store of objects: %w", err)
		}
		s.closers = append(s.closers, d.Close)
		d.Bound(s.space.Take)
		s.objects, s.parts = d, s.space.Receiver(d)
	} else {
		o, err := objects.NewS3(sdk, objects.S3Config{Bucket: cfg.Objects.Bucket, PathStyle: cfg.Objects.PathStyle,
			Timeout: cfg.Timeouts.Store})
		if err != nil {
			return fmt.Errorf("open the store of objects: %w", err)
		}
		s.objects, s.memory, s.tags = o, o, o
		if s.partsOrigin, err = o.Origin(ctx); err != nil {
			return fmt.Errorf("open the store of objects: %w", err)
		}
	}
	return nil
}

func openPeople(ctx context.Context, cfg *config.Config) (*people.Store, error) {
	if cfg.People.Embedded() {
		return people.OpenSQLite(ctx, peopleFile(cfg))
	}
	return people.OpenMySQL(ctx, mysqlConfig(cfg, cfg.People.User, cfg.People.Password, cfg.People.Name))
}

// peopleFile is the embedded store of people.
func peopleFile(cfg *config.Config) string { return filepath.Join(cfg.Data, peopleDatabase) }

// peopleDatabase is its name in the data folder.
const peopleDatabase = "people.db"

// existingPeople refuses a data folder of which the restore did not end, or without a store of people: to open that
// would make an empty one, and what then finds nothing wrong removes what belongs to the lost one. A server is not
// asked.
func existingPeople(cfg *config.Config) error {
	if !cfg.People.Embedded() {
		return nil
	}
	if err := backup.Unfinished(cfg.Data); err != nil {
		return err
	}
	there, err := peopleThere(cfg)
	if err == nil && !there {
		err = fmt.Errorf("the data folder %s has no store of people (%s is missing or empty): set DOSSIER_DATA to the "+
			"one that \"dossier serve\" uses", cfg.Data, peopleDatabase)
	}
	return err
}

// peopleThere reports whether the data folder has a store of people.
func peopleThere(cfg *config.Config) (bool, error) {
	info, err := os.Stat(peopleFile(cfg))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for the store of people: %w", err)
	}
	return info.Size() > 0, nil
}

// mysqlConfig returns the connection to a database of the configured server, as one of its users.
func mysqlConfig(cfg *config.Config, user string, password config.Secret, database string) people.MySQLConfig {
	return people.MySQLConfig{
		Host: cfg.People.Host, Port: cfg.People.Port, Name: database, User: user, Password: password.Reveal(),
		TLS: cfg.People.TLS == config.TLSVerify, CAFile: cfg.People.CAFile,
		MaxOpen: cfg.People.MaxConnections, Timeout: cfg.Timeouts.Store,
	}
}

// makeDataFolder creates the folder of the embedded stores, readable to this user alone.
func makeDataFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("create the data folder: %w; set DOSSIER_DATA to a folder that can be written", err)
	}
	return nil
}

// close closes what was opened, last first.
func (s *stores) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// service returns the domain over the stores.
func (s *stores) service(cfg *config.Config, log *slog.Logger) *dossier.Service {
	var (
		p dossier.People  = s.people
		c dossier.Catalog = s.catalog
		o dossier.Objects = s.objects
	)
	if cfg.People.Embedded() {
		p = s.space.People(p)
	}
	if cfg.Catalog.Embedded() {
		c = s.space.Catalog(c)
	}
	if cfg.Objects.Embedded() {
		o = s.space.Objects(o)
	}
	return dossier.New(p, c, o, dossier.Options{
		Limits:          dossier.Limits(cfg.Limits),
		Budget:          dossier.Budget(cfg.Budget),
		Fits:            s.space.Fits,
		Stall:           cfg.Timeouts.Stall,
		Scanning:        s.scanning(cfg),
		Pictures:        thumbnail.Self(),
		ReceiptLifetime: cfg.ReceiptLifetime,

		Log: log,
	})
}

// staff returns the store of staff's accounts and sessions.
func (s *stores) staff(cfg *config.Config) staff.Store {
	if cfg.People.Embedded() {
		return s.space.Staff(s.people)
	}
	return s.people
}

// audit returns the store of the audit trail.
func (s *stores) audit(cfg *config.Config) audit.Store {
	if cfg.People.Embedded() {
		return s.space.Audit(s.people)
	}
	return s.people
}

// full returns the names of what the stores have too little of at the moment.
func (s *stores) full() []string {
	if s.memory != nil && s.memory.MemoryFull() {
		return []string{"memory"}
	}
	return nil
}

// scanning says who checks files for malware, and what is handed out before.
func (s *stores) scanning(cfg *config.Config) dossier.Scanning {
	o := dossier.Scanning{Pending: dossier.Audience(cfg.Scan.Pending), Unscanned: dossier.Audience(cfg.Scan.Unscanned),
		Workers: cfg.Scan.Workers}
	switch cfg.Scan.Scanner {
	case config.ScannerClamd:
		o.Scanner, o.MaxBytes = scanner.NewClamd(cfg.Scan.Clamd, scanner.ClamdConfig{}), cfg.Scan.MaxBytes
	case config.ScannerGuardDuty:
		// No bytes are sent, and what is too large for GuardDuty it says by itself.
		o.Scanner, o.MaxBytes = scanner.NewGuardDuty(s.tags), math.MaxInt64
	}
	return o
}

// ready asks every store at once whether it answers, and returns what each said, by the name that staff are shown. A
// disk that is full is ready as long as staff can delete: whoever took this instance out would take that from them.
func (s *stores) ready(ctx context.Context) map[string]error {
	asked := map[string]pinger{"people": s.people, "catalog": s.catalog, "objects": s.objects}
	if s.space != nil {
		asked["space"] = s.space
	}
	answers := make(map[string]error, len(asked))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for name, store := range asked {
		wg.Go(func() {
			err := store.Ping(ctx)
			mu.Lock()
			defer mu.Unlock()
			answers[name] = err
		})
	}
	wg.Wait()
	return answers
}
