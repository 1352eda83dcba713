package client

import (
	"context"

	"github.com/jackc/pgx/v5/pgtype"
)

// nameMax is the length of PostgreSQL's names in bytes.
const nameMax = 63

// Stats are counts, exact at the moment of asking: asking reads the tables.
type Stats struct {
	Users    int64
	Sessions int64 // live ones
	Expired  int64 // sessions that have expired and are not swept yet
	LogRows  int64 // rows of the change log; 0 on a standby
	LowWater uint64
	Epoch    Epoch
}

// Stats returns the counts of what is stored.
func (c *Client) Stats(ctx context.Context) (Stats, error) {
	const op = "stats"
	var s Stats
	var lowWater pgtype.Text
	var epoch pgtype.UUID
	err := c.db.QueryRow(ctx, c.sql.stats).Scan(&s.Users, &s.Sessions, &s.Expired, &s.LogRows, &lowWater, &epoch)
	if err == nil {
		s.LowWater, err = parseXID(lowWater)
	}
	if err != nil {
		return Stats{}, fail(ctx, op, err)
	}
	s.Epoch = epoch.Bytes
	return s, nil
}

// Setting returns the value of a setting, its default where it was not changed. [ErrInvalid] for a name
// that is none.
func (c *Client) Setting(ctx context.Context, name string) (string, error) {
	const op = "setting"
	if err := checkText(op, "name", name); err != nil {
		return "", err
	}
	return scalar[string](ctx, c, op, c.sql.setting, name)
}

// SetSetting changes a setting, for every process and from the next statement on. [ErrInvalid] for a name
// that is none, and for a value that it cannot have. It takes an administrator's rights.
func (c *Client) SetSetting(ctx context.Context, name, value string) error {
	const op = "set_setting"
	if err := checkText(op, "name", name); err != nil {
		return err
	}
	if err := checkText(op, "value", value); err != nil {
		return err
	}
	return c.perform(ctx, op, c.sql.setSetting, name, value)
}

// ResetSetting sets a setting back to its default; see SetSetting.
func (c *Client) ResetSetting(ctx context.Context, name string) error {
	const op = "set_setting"
	if err := checkText(op, "name", name); err != nil {
		return err
	}
	return c.perform(ctx, op, c.sql.setSetting, name, nil)
}

// Version returns the version of the functions that are installed, such as "0.1.0".
func (c *Client) Version(ctx context.Context) (string, error) {
	return scalar[string](ctx, c, "version", c.sql.version)
}

// GrantApp grants a role the right to call what an application needs, and no right on any table. It can
// be repeated. It takes the schema's owner. [ErrInvalid] for public and for the owner.
func (c *Client) GrantApp(ctx context.Context, role string) error {
	return c.onRole(ctx, "grant_app", c.sql.grantApp, role)
}

// GrantAdmin grants a role what GrantApp does, and what an administrator needs; see GrantApp.
func (c *Client) GrantAdmin(ctx context.Context, role string) error {
	return c.onRole(ctx, "grant_admin", c.sql.grantAdmin, role)
}

// GrantAuditor grants a role the right to read the audit and the statistics; see GrantApp.
func (c *Client) GrantAuditor(ctx context.Context, role string) error {
	return c.onRole(ctx, "grant_auditor", c.sql.grantAuditor, role)
}

// RevokeRole takes back from a role all that it was granted in the schema; see GrantApp.
func (c *Client) RevokeRole(ctx context.Context, role string) error {
	return c.onRole(ctx, "revoke_role", c.sql.revokeRole, role)
}

// AuditMaintain drops what the setting audit_retention no longer wants kept of the audit, makes the next
// months' partitions, and returns how many it has dropped. It takes the schema's owner.
func (c *Client) AuditMaintain(ctx context.Context) (int, error) {
	return scalar[int](ctx, c, "audit_maintain", c.sql.auditMaintain)
}

// onRole calls a function whose only argument is a role.
func (c *Client) onRole(ctx context.Context, op, sql, role string) error {
	if err := checkText(op, "role", role); err != nil {
		return err
	}
	if len(role) > nameMax {
		return invalid(op, "role name is longer than PostgreSQL's names: it would be cut short")
	}
	return c.perform(ctx, op, sql, role)
}

// perform runs a function that returns nothing.
func (c *Client) perform(ctx context.Context, op, sql string, args ...any) error {
	if _, err := c.db.Exec(ctx, sql, args...); err != nil {
		return fail(ctx, op, err)
	}
	return nil
}
