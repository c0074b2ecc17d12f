package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// maxConfig is how long a file of settings may be.
const maxConfig = 1 << 20

// origins tells where the value of a flag is from, by the flag's name: a flag, a variable of the environment, a file, or the default.
type origins map[string]string

// variable returns the name of the variable of the environment that gives a flag its value.
func variable(flag string) string {
	return "WEIR_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// settle gives flags that were not on the command line their values: those of the environment, else those of the file that the flag "config"
// names, where there is one. What is wrong is a mistake in usage that names where it stands.
func settle(flags *pflag.FlagSet) (origins, error) {
	from := origins{}
	var wrong error
	set := func(f *pflag.Flag, value, origin string) {
		if err := flags.Set(f.Name, value); err != nil && wrong == nil {
			wrong = usagef("%s: %w", origin, err)
		}
		from[f.Name] = origin
	}
	flags.VisitAll(func(f *pflag.Flag) {
		from[f.Name] = "default"
		if f.Changed {
			from[f.Name] = "flag"
		} else if value, ok := os.LookupEnv(variable(f.Name)); ok && f.Name != "help" {
			set(f, value, variable(f.Name))
		}
	})
	config := flags.Lookup("config")
	if wrong != nil || config == nil || config.Value.String() == "" {
		return from, wrong
	}
	path := config.Value.String()
	values, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		f := flags.Lookup(name)
		if f == nil || !configurable(f) {
			return nil, usagef("%s: there is no setting %q; weir config prints those that there are", path, name)
		}
		if from[name] == "default" {
			set(f, values[name], path)
		}
	}
	return from, wrong
}

// configurable reports whether a flag may stand in a file.
func configurable(f *pflag.Flag) bool { return f.Name != "config" && f.Name != "help" }

// readConfig reads a file of settings: TOML whose keys are the names of flags.
func readConfig(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	if len(data) > maxConfig {
		return nil, usagef("%s: longer than %d bytes", path, maxConfig)
	}
	var table map[string]any
	if err := toml.Unmarshal(data, &table); err != nil {
		if p, ok := errors.AsType[toml.ParseError](err); ok {
			return nil, usagef("%s:%d: %s", path, p.Position.Line, p.Message)
		}
		return nil, usagef("%s: %w", path, err)
	}
	values := make(map[string]string, len(table))
	for name, value := range table {
		switch v := value.(type) {
		case string:
			values[name] = v
		case bool, int64:
			values[name] = fmt.Sprint(v)
		default:
			return nil, usagef("%s: %s has to be a string, a number or a truth value", path, name)
		}
	}
	return values, nil
}

func newConfig(std streams) *cobra.Command {
	var s serving
	cmd := &cobra.Command{
		Use:   "config [flags]",
		Short: "Print the settings that serve would be in force with, and where each is from",
		Long: `Print the settings of weir serve that are in force, each with where it is from, and check that they fit together. It takes the flags of
weir serve. What is printed is itself a file for --config, but for a password in --index, which is not shown.`,
		Args: exactly(0, "no arguments"),
	}
	s.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		from, err := settle(cmd.Flags())
		if err != nil {
			return err
		}
		if _, err := io.WriteString(std.out, settings(cmd.Flags(), from)); err != nil {
			return err
		}
		return s.check()
	}
	return cmd
}

// settings are the values of flags as TOML, a line for each.
func settings(flags *pflag.FlagSet, from origins) string {
	var lines []string
	wide := 0
	flags.VisitAll(func(f *pflag.Flag) {
		if !configurable(f) {
			return
		}
		value := f.Value.String()
		if f.Name == "index" && value != "" {
			value = redacted(value)
		}
		if t := f.Value.Type(); t != "bool" && t != "int" && t != "int64" {
			value = quote(value)
		}
		line := f.Name + " = " + value
		wide = max(wide, len(line))
		lines = append(lines, line, from[f.Name])
	})
	var b strings.Builder
	for i := 0; i < len(lines); i += 2 {
		fmt.Fprintf(&b, "%-*s  # %s\n", wide, lines[i], lines[i+1])
	}
	return b.String()
}

// quote returns a basic string of TOML, whose escapes are some of Go's.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7F:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
