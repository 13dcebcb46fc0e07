import { Mq, MqTopic } from '@waybill/proto/mq/mq';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { Bus } from '@waybill/proto/waybill/v1/bus';
import { Locks } from '@waybill/proto/waybill/v1/locks';
import { expect, test } from 'vitest';
import { NO_GRANTS, Permissions } from './permissions.js';
import { Principal } from './principal.js';
import { rulesOf } from './rules.js';

const nobody = new Principal({ name: 'nobody', permissions: new Permissions(NO_GRANTS) });

test.each([Bus, Admin, Locks, Mq, MqTopic])('every method of $typeName has a rule', (service) => {
  expect([...rulesOf(service).keys()]).toEqual(service.methods.map(({ localName }) => localName));
});

test('a method without a rule keeps the gateway from starting', () => {
  const [first] = Bus.methods;
  if (first === undefined) throw new Error('the service has methods');
  const service = { ...Bus, methods: [...Bus.methods, { ...first, name: 'Steal', localName: 'steal' }] };
  expect(() => rulesOf(service)).toThrow('no rule for waybill.v1.Bus/Steal');
});

test('whoever has no right is denied by every rule, or has said nothing that it could allow', () => {
  for (const service of [Bus, Admin, Locks, Mq, MqTopic]) {
    for (const [name, rule] of rulesOf(service)) {
      const request = {
        topic: 't',
        channel: 'c',
        channelTopic: '',
        queue: 't',
        queueName: 'q',
        name: 'n',
        token: '',
        entry: { topic: 't' },
      };
      expect(() => rule.check(nobody, request), name).toThrow(/may|token takes|this takes/);
    }
  }
});
