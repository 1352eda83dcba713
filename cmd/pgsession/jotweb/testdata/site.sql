-- A JOTWeb site's database, made by make.py. The password of all users is pässword-1.
create table users (
  payload text not null,
  newsletter boolean default true,
  id serial,
  username text unique not null,
  cryptpasswd text not null,
  createddate integer not null,
  ts_created timestamp default now(),
  lastlogin integer default null,
  lasthit integer default null
);
create table sessions (
  id serial,
  key text unique not null,
  username text not null,
  cryptpasswd text not null,
  createddate integer not null,
  ts_created timestamp default now(),
  expiresecs integer default null,
  expires integer default null,
  payload text not null,
  comment text default 'theirs'
);
insert into users (username, cryptpasswd, createddate, lastlogin, lasthit, payload) values ('des', 'abRy4/6THFs9U', 1050000000, 1050000001, 1050000002, '(dp0
S''mail''
p1
S''des@example.org''
p2
sS''visits''
p3
I3
s.');
insert into users (username, cryptpasswd, createddate, lastlogin, lasthit, payload) values ('extdes', '_J9..rasmLcGNaBwSkl6', 1050000000, null, null, '(dp0
.');
insert into users (username, cryptpasswd, createddate, lastlogin, lasthit, payload) values ('md5crypt', '$1$salt5678$I6tOCOigJB5OMM3Y2yp5w/', 1050000000, 1050000001, null, e'\\200\\002}q\\000U\\004mailq\\001U\\017md5@example.orgq\\002s.');
insert into users (username, cryptpasswd, createddate, lastlogin, lasthit, payload) values ('md5hex', 'f6eed7850c68360a33c073fb6f5f140d', 1050000000, null, null, e'}q\\000X\\004\\000\\000\\000nameq\\001X\\007\\000\\000\\000Z\\303\\274richq\\002s.');
insert into users (username, cryptpasswd, createddate, lastlogin, lasthit, payload) values ('pending', 'cd2/Z2PZieiM.', 1050000000, null, null, '(dp0
S''acknowledgement''
p1
S''k3y''
p2
sS''mail''
p3
S''p@example.org''
p4
s.');
insert into users (username, cryptpasswd, createddate, lastlogin, lasthit, payload) values ('partly', 'efEaxUWvJxTVQ', 1050000000, null, null, e'(dp0
S''since''
p1
cdatetime
datetime
p2
(S''\\x07\\xd3\\x04\\x0b\\x00\\x00\\x00\\x00\\x00\\x00''
p3
tp4
Rp5
sS''mail''
p6
S''q@example.org''
p7
s.');
insert into users (username, cryptpasswd, createddate, lastlogin, lasthit, payload) values ('broken', 'gh6oMpYgOFtdM', 1050000000, null, null, 'not a pickle');
insert into users (username, cryptpasswd, createddate, lastlogin, lasthit, payload) values ('bad
name', 'iji2.9HZlVRe6', 1050000000, null, null, '(dp0
.');
insert into sessions (key, username, cryptpasswd, createddate, expiresecs, expires, payload) values ('des-cookie', 'des', 'abRy4/6THFs9U', 1050000000, 3600, 2000000000, '(dp0
S''cart''
p1
(lp2
S''apples''
p3
aI3
as.');
insert into sessions (key, username, cryptpasswd, createddate, expiresecs, expires, payload) values ('extdes-cookie', 'extdes', '_J9..rasmLcGNaBwSkl6', 1050000000, null, null, '(dp0
.');
insert into sessions (key, username, cryptpasswd, createddate, expiresecs, expires, payload) values ('md5crypt-cookie', 'md5crypt', '$1$salt5678$I6tOCOigJB5OMM3Y2yp5w/', 1050000000, 60, 2000000000, e'}q\\000U\\001aq\\001K\\001s.');
insert into sessions (key, username, cryptpasswd, createddate, expiresecs, expires, payload) values ('md5hex-cookie', 'md5hex', 'f6eed7850c68360a33c073fb6f5f140d', 1050000000, null, 2000000000, '(dp0
.');
insert into sessions (key, username, cryptpasswd, createddate, expiresecs, expires, payload) values ('expired-cookie', 'des', 'abRy4/6THFs9U', 1050000000, 60, 1050000060, '(dp0
.');
insert into sessions (key, username, cryptpasswd, createddate, expiresecs, expires, payload) values ('old-password-cookie', 'des', 'ab67Ae4nd/tTM', 1050000000, 60, 2000000000, '(dp0
.');
insert into sessions (key, username, cryptpasswd, createddate, expiresecs, expires, payload) values ('stranger-cookie', 'nobody', 'abRy4/6THFs9U', 1050000000, 60, 2000000000, '(dp0
.');
insert into sessions (key, username, cryptpasswd, createddate, expiresecs, expires, payload) values ('broken-cookie', 'des', 'abRy4/6THFs9U', 1050000000, 60, 2000000000, 'not a pickle');
insert into sessions (key, username, cryptpasswd, createddate, expiresecs, expires, payload) values ('broken-user-cookie', 'broken', 'gh6oMpYgOFtdM', 1050000000, 60, 2000000000, '(dp0
.');
insert into sessions (key, username, cryptpasswd, createddate, expiresecs, expires, payload) values ('negative-cookie', 'des', 'abRy4/6THFs9U', 1050000000, -1, 2000000000, '(dp0
.');
insert into sessions (key, username, cryptpasswd, createddate, expiresecs, expires, payload) values ('partly-cookie', 'des', 'abRy4/6THFs9U', 1050000000, 60, 2000000000, e'(dp0
S''when''
p1
cdatetime
date
p2
(S''\\x07\\xd3\\x04\\x0b''
p3
tp4
Rp5
sS''a''
p6
I1
s.');
insert into sessions (key, username, cryptpasswd, createddate, expiresecs, expires, payload) values ('pending-cookie', 'pending', 'cd2/Z2PZieiM.', 1050000000, 60, 2000000000, '(dp0
.');
