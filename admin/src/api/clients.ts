import { type Client, createClient } from '@connectrpc/connect';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { Bus } from '@waybill/proto/waybill/v1/bus';
import { transport } from './transport.js';

export const admin: Client<typeof Admin> = createClient(Admin, transport);
export const bus: Client<typeof Bus> = createClient(Bus, transport);
