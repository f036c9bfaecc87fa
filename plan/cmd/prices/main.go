// Prices makes the file of prices that a plan is given, of files of AWS's Price List:
//
//	prices [--region eu-central-1]... [--out prices.json] AmazonEC2.json AmazonRDS.csv.gz ...
//
// AWS publishes a file for each service, in JSON and CSV, of a region or of all, for everyone to get:
//
//	from=https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws
//	curl -o AmazonEC2.json $from/AmazonEC2/current/eu-central-1/index.json
//
// --services lists the services whose files are of use. Without --region, the prices are of every region in the files.
// What is left out, and what nothing was found of, goes to standard error.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"dossier.example/plan/prices/offers"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintf(os.Stderr, "prices: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, out, log io.Writer) error {
	flags := flag.NewFlagSet("prices", flag.ContinueOnError)
	flags.SetOutput(log)
	var regions []string
	flags.Func("region", "a `region` to have prices of; may be given again", func(text string) error {
		regions = append(regions, strings.Split(text, ",")...)
		return nil
	})
	to := flags.String("out", "", "the `file` to write; standard output without it")
	services := flags.Bool("services", false, "list the services whose files are of use, and end")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *services {
		_, err := fmt.Fprintln(out, strings.Join(offers.Services(), "\n"))
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("no file of AWS's Price List is given: --help describes where to get them")
	}
	maker, err := offers.NewMaker(regions...)
	if err != nil {
		return err
	}
	for _, name := range flags.Args() {
		if err := add(maker, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	table, notes, err := maker.Table()
	if err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintf(log, "prices: %s\n", note)
	}
	if *to == "" {
		return table.Write(out)
	}
	// The file is whole or not there: a plan must not read half of it.
	var text bytes.Buffer
	if err := table.Write(&text); err != nil {
		return err
	}
	if err := os.WriteFile(*to+".new", text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the prices: %w", err)
	}
	return os.Rename(*to+".new", *to)
}

func add(maker *offers.Maker, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return maker.Add(f)
}
