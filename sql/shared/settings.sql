{{/* All settings there are; shared/setting_default.sql has their defaults. A value is an integer or an interval from low
to high, or one of a choice (low, separated by bars); where kind ends in a question mark, also empty: none. */ -}}
(values
  ('absolute_lifetime',   'interval?', '1 second',         '100 years',   'After this any session ends, used or not; of sessions opened from now on. Empty: never.'),
  ('activation_lifetime', 'interval',  '1 minute',         '1 year',      'How long the acknowledgement key of a new account is good for.'),
  ('audit_retention',     'interval?', '1 month',          '100 years',   'How long `audit_maintain` keeps the audit; it drops whole months. Empty: for ever.'),
  ('bcrypt_cost',         'integer',   '4',                '20',          '2^n rounds. Raised, it reaches each user with the next login. Each step doubles what a login costs the server.'),
  ('default_idle',        'interval?', '1 second',         '50 years',    'The idle lifetime of sessions that are opened without one, from now on. Empty: none.'),
  ('fencing',             'interval',  '0 seconds',        '1 hour',      'F: how long a demoted primary may go on answering.'),
  ('lease',               'interval',  '100 milliseconds', '1 day',       'T: no cached answer is older. Longer than `poll`. Raised or lowered, it takes effect safely: see PROTOCOL.md.'),
  ('log_retention',       'interval',  '0 seconds',        '1 day',       'How long the change log is kept; a process that was away for longer starts with an empty cache.'),
  ('notify',              'choice',    'inline|doorbell|none', '',        '`inline`: NOTIFY in the writing transaction. `doorbell`: after its commit, by clients that set the parameter `pgsession.notify` to `doorbell`; all others stay inline. `none`: polls alone.'),
  ('password_min',        'integer',   '1',                '72',          'The least number of characters of a new password; those that are set stay good. NIST SP 800-63B-4 asks for 15 where the password is the only factor, for 8 elsewhere.'),
  ('payload_max',         'integer',   '1024',             '268435455',   'Bytes of a payload as text.'),
  ('poll',                'interval',  '10 milliseconds',  '12 hours',    'P: how often a process polls the change log.'),
  ('poll_limit',          'integer',   '1',                '10000000',    'Changes that one poll returns; beyond, it says that everything has changed.'),
  ('throttle_cap',        'interval',  '1 second',         '1 day',       'The longest wait after a failed login.'),
  ('throttle_free',       'integer',   '1',                '1000',        'Failed logins in a row that cost no time.'),
  ('throttle_stop',       'integer',   '1',                '1000000',     'Failed logins in a row after which only addresses that the user has logged in from before, or a reset password, get in; NIST''s limit is 100.')
) as k (name, kind, low, high, meaning)
